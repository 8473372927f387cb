"""Rules about what was looked at around the design: how it runs, specifications, records, imports, tests."""

from collections.abc import Iterator

from todo.architect.case import Case, Looked, Page, Trace
from todo.architect.findings import CHECK, RULES, VERIFY, Flaw, Point, rule
from todo.architect.model import Endpoint


@rule("LIVE-0", "Every operation was called, answered, and its handler found", Point.INTEGRATION,
      lambda case: case.evidence.operations, "api", phases=CHECK)  # fmt: skip
def operations_are_traced(operation: str, case: Case) -> Iterator[Flaw]:
    traces = [trace for trace in case.evidence.traces if trace.operation == operation]
    if not traces or not traces[0].chain:
        yield Flaw(operation, "no route was found for it")
    for trace in traces:
        if trace.status >= 400 and trace.blocked_by is None:  # noqa: PLR2004  # where refusals begin in HTTP
            yield Flaw(operation, f"its owner is answered {trace.status}")


@rule("ASYNC-1", "Handlers are coroutines, and nothing blocks the loop", Point.ASYNC,
      lambda case: case.evidence.traces, "api", phases=CHECK)  # fmt: skip
def nothing_blocks(trace: Trace, _case: Case) -> Iterator[Flaw]:
    if trace.chain and not trace.is_async:
        yield Flaw(trace.operation, "its handler is no coroutine")
    if trace.blocked_by:
        yield Flaw(trace.operation, "blocks the loop", trace.blocked_by)


@rule("MCP-1", "Every operation has a tool of its name, or a reason why not", Point.INTEGRATION,
      Case.protected, "api")  # fmt: skip
def operations_have_tools(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    verb = endpoint.operation_id
    # Agents change many at once: their verbs may be plurals.
    is_there = endpoint.mcp_tool is not None or bool({verb, f"{verb}s"} & case.evidence.tools)
    reasons = case.decisions.subjects("no tool")
    has_reason = any(verb == said or endpoint.path.startswith(said) for said in reasons)
    if not is_there and not has_reason and not endpoint.no_tool_because:
        yield Flaw(endpoint.name, "no tool, and no reason why not")


def _whole(case: Case) -> list[tuple[str, str] | Page]:
    operations = [("operation", endpoint.name) for endpoint in case.design.api.endpoints]
    return [*operations, *(("table", table.name) for table in case.design.db.tables), *case.evidence.pages]


@rule("SPEC-1", "Every operation and every table is in one live specification, and it says what is so",
      Point.SPECS, _whole, "user", phases=CHECK)  # fmt: skip
def everything_is_specified(subject: tuple[str, str] | Page, case: Case) -> Iterator[Flaw]:
    if isinstance(subject, Page):
        if subject.status == "live" and not subject.is_current:
            yield Flaw(subject.path, "its generated part is not what the system says: todo architect specs")
        return
    kind, name = subject
    live = [page for page in case.evidence.pages if page.status == "live"]
    covering = [page for page in live if name in (page.operations if kind == "operation" else page.tables)]
    # A feature may add to what has a page already.
    count = len([page for page in covering if not page.is_feature] or covering)
    if count != 1:
        yield Flaw(name, f"is in {count or 'no'} live specification{'s' if count > 1 else ''}")


@rule("SPEC-2", "What is proposed verifies and is not served yet; what is served is live", Point.SPECS,
      lambda case: case.evidence.pages, "user", phases=CHECK)  # fmt: skip
def status_is_true(page: Page, _case: Case) -> Iterator[Flaw]:
    if page.status not in {"live", "proposed"}:
        yield Flaw(page.path, f"its status is {page.status or 'missing'}, neither live nor proposed")
    if page.status == "proposed" and page.is_served:
        yield Flaw(page.path, "everything it proposes is served: its status is live")
    if page.status == "proposed" and not page.is_verified:
        yield Flaw(page.path, "its design does not verify any more: todo architect verify")
    for name in page.missing_tests if page.status == "live" else ():
        yield Flaw(page.path, f"names the test {name}, and there is none")


@rule("DOC-1", "Every principle names what keeps it, and that is there", Point.SPECS,
      lambda case: case.decisions.principles.items(), "user", phases=CHECK)  # fmt: skip
def principles_are_kept(principle: tuple[str, list[str]], _case: Case) -> Iterator[Flaw]:
    name, kept_by = principle
    if not kept_by:
        yield Flaw(name, "nothing is said to enforce it")
    for cited in kept_by:
        if cited != "review" and cited not in RULES:
            yield Flaw(name, f"cites {cited}, which is no rule")


@rule("TEST-1", "Every endpoint names unit, integration and edge tests", Point.SPECS,
      lambda case: case.subject.api.endpoints, "coordinator", phases=VERIFY)  # fmt: skip
def tests_are_named(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    named = [proof for proof in case.subject.tests if proof.endpoint == endpoint.name]
    for kind in ("unit", "integration", "edge"):
        if not any(getattr(proof, kind) for proof in named):
            yield Flaw(endpoint.name, f"no {kind} test is named")


@rule("SPEC-3", "The committed contract files are what the system serves", Point.SPECS,
      lambda case: case.evidence.contracts, "user", phases=CHECK)  # fmt: skip
@rule("DOC-2", "Records are where and what they should be", Point.SPECS,
      lambda case: case.evidence.records, "user", phases=CHECK)  # fmt: skip
@rule("LAYER-1", "Imports point downwards", Point.INTEGRATION,
      lambda case: case.evidence.layers, "user", phases=CHECK)  # fmt: skip
@rule("DRY-1", "PostgreSQL takes the statements", Point.MIGRATIONS,
      lambda case: case.evidence.ddl, "db", phases=VERIFY)  # fmt: skip
@rule("DRY-2", "Migrations go up, down and up again, and end at the tables in code", Point.MIGRATIONS,
      lambda case: case.evidence.migrations, "db", phases=CHECK)  # fmt: skip
def nothing_was_wrong(looked: Looked, _case: Case) -> Iterator[Flaw]:
    if looked.fault:
        yield Flaw(*looked)
