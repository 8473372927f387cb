"""Rules about the project around the code: specifications, constitution, records, imports."""

from collections.abc import Iterator

from todo.architect.case import Case, Page
from todo.architect.findings import RULES, Flaw, Point, rule
from todo.architect.model import Endpoint


def _whole(case: Case) -> list[tuple[str, str]]:
    operations = [("operation", endpoint.name) for endpoint in case.design.api.endpoints]
    return [*operations, *(("table", table.name) for table in case.design.db.tables)]


@rule("SPEC-1", "Every operation and every table is in one live specification, and it says what is so",
      Point.SPECS, over=lambda case: [*_whole(case), *case.evidence.pages], owner="user",
      phases=("check",))  # fmt: skip
def everything_is_specified(subject: tuple[str, str] | Page, case: Case) -> Iterator[Flaw]:
    if isinstance(subject, Page):
        if subject.status == "live" and not subject.is_current:
            yield Flaw(subject.path, "its generated part is not what the system says: todo architect specs")
        return
    kind, name = subject
    live = [page for page in case.evidence.pages if page.status == "live"]
    pages = [page for page in live if name in (page.operations if kind == "operation" else page.tables)]
    if len(pages) != 1:
        yield Flaw(
            name, f"is in {len(pages)} live specifications" if pages else "is in no live specification"
        )


@rule("SPEC-2", "What is proposed verifies and is not served yet; what is served is live", Point.SPECS,
      over=lambda case: case.evidence.pages, owner="user", phases=("check",))  # fmt: skip
def status_is_true(page: Page, _case: Case) -> Iterator[Flaw]:
    if page.status not in {"live", "proposed"}:
        yield Flaw(page.path, f"its status is {page.status or 'missing'}, neither live nor proposed")
    if page.status == "proposed" and page.is_served:
        yield Flaw(page.path, "everything it proposes is served: its status is live")
    if page.status == "proposed" and not page.is_verified:
        yield Flaw(page.path, "its design does not verify any more: todo architect verify")
    if page.status == "live":
        for name in page.missing_tests:
            yield Flaw(page.path, f"names the test {name}, and there is none")


@rule("SPEC-3", "The committed contract files are what the system serves", Point.SPECS,
      over=lambda case: case.evidence.contracts, owner="user", phases=("check",))  # fmt: skip
def contracts_are_current(contract: tuple[str, bool], _case: Case) -> Iterator[Flaw]:
    if not contract[1]:
        yield Flaw(contract[0], "is not what the system says: todo architect specs")


@rule("DOC-1", "Every principle names what keeps it, and that is there", Point.SPECS,
      over=lambda case: case.decisions.principles.items(), owner="user", phases=("check",))  # fmt: skip
def principles_are_kept(principle: tuple[str, list[str]], _case: Case) -> Iterator[Flaw]:
    name, kept_by = principle
    if not kept_by:
        yield Flaw(name, "nothing is said to enforce it")
    for cited in kept_by:
        if cited != "review" and cited not in RULES:
            yield Flaw(name, f"cites {cited}, which is no rule")


@rule("DOC-2", "Records are where and what they should be", Point.SPECS,
      over=lambda case: case.evidence.records, owner="user", phases=("check",))  # fmt: skip
def records_are_whole(record: tuple[str, str], _case: Case) -> Iterator[Flaw]:
    path, fault = record
    if fault:
        yield Flaw(path, fault)


@rule("LAYER-1", "Imports point downwards", Point.INTEGRATION, over=lambda case: case.evidence.layers,
      owner="user", phases=("check",))  # fmt: skip
def layers_hold(contract: tuple[str, str], _case: Case) -> Iterator[Flaw]:
    name, fault = contract
    if fault:
        yield Flaw(name, "is broken", fault)


@rule("TEST-1", "Every endpoint names unit, integration and edge tests", Point.SPECS,
      over=lambda case: case.subject.api.endpoints, owner="coordinator", phases=("verify",))  # fmt: skip
def tests_are_named(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    named = [proof for proof in case.subject.tests if proof.endpoint == endpoint.name]
    for kind in ("unit", "integration", "edge"):
        if not any(getattr(proof, kind) for proof in named):
            yield Flaw(endpoint.name, f"no {kind} test is named")
