"""Rules about what is written: specifications, records, tests."""

from collections.abc import Iterator
from typing import Any

from todo.architect.design import Endpoint
from todo.architect.evidence import Case, Page
from todo.architect.rules.rule import CHECK, VERIFY, Rule, seen


def _covered(one: Any, case: Case) -> str | None:
    covering = [page for page in case.evidence.pages if page.status == "live" and one.name in page.covers]
    # A feature may add to what has a page already.
    count = len([page for page in covering if not page.is_feature] or covering)
    return None if count == 1 else f"is in {count or 'no'} live specifications"


def _status(one: Page, _: Case) -> Iterator[str]:
    if one.status not in {"live", "proposed"}:
        yield f"its status is {one.status or 'missing'}, neither live nor proposed"
    if one.status == "proposed" and one.is_served:
        yield "everything it proposes is served: its status is live"
    if one.status == "proposed" and not one.is_verified:
        yield "its design does not verify any more: todo architect verify"
    if one.status == "live":
        yield from (f"names the test {name}, and there is none" for name in one.missing_tests)


def _untested(one: Endpoint, case: Case) -> list[str]:
    named = {
        kind
        for it in case.subject.tests
        if it.endpoint == one.name
        for kind, said in it.by_kind.items()
        if said
    }
    return [f"no {kind} test is named" for kind in ("unit", "integration", "edge") if kind not in named]


RULES = [
    Rule("SPEC-1", "user", "Every operation and table is in one live specification, which says what is so",
         [(lambda case: [*case.design.api.endpoints, *case.schema.values()], _covered),
          (lambda case: [page for page in case.evidence.pages if page.status == "live"],
           lambda one, _: not one.is_current and "is not what the system says: todo architect specs")],
         CHECK),
    Rule("SPEC-2", "user", "What is proposed verifies and is not served yet; what is served is live",
         [(lambda case: case.evidence.pages, _status)], CHECK),
    Rule("SPEC-3", "user", "The committed contract files are what the system serves",
         seen("SPEC-3"), CHECK),
    Rule("DOC-2", "user", "Records are where and what they should be", seen("DOC-2"), CHECK),
    Rule("TEST-1", "coordinator", "Every endpoint names unit, integration and edge tests",
         [(lambda case: case.subject.api.endpoints, _untested)], VERIFY),
]  # fmt: skip
