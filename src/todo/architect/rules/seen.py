"""Rules about what the running system was seen to do."""

from collections.abc import Iterator

from todo.architect.case import Answer, Case, Trace
from todo.architect.findings import Flaw, Point, rule
from todo.architect.model import Endpoint

_PROBLEM = ("status", "detail", "error_code")


@rule("LIVE-0", "Every operation was called, answered, and its handler found", Point.INTEGRATION,
      over=lambda case: case.evidence.operations, owner="api", phases=("check",))  # fmt: skip
def operations_are_traced(operation: str, case: Case) -> Iterator[Flaw]:
    traces = [trace for trace in case.evidence.traces if trace.operation == operation]
    if not traces or not traces[0].chain:
        yield Flaw(operation, "no route was found for it")
    for trace in traces:
        if trace.status >= 400 and trace.blocked_by is None:  # noqa: PLR2004  # where refusals begin in HTTP
            yield Flaw(operation, f"its owner is answered {trace.status}")


@rule("ERR-2", "Every refusal has the one shape: status, detail, error_code", Point.ERRORS,
      over=lambda case: [answer for answer in case.evidence.answers if answer.is_refusal],
      owner="api", phases=("check",))  # fmt: skip
def refusals_have_one_shape(answer: Answer, case: Case) -> Iterator[Flaw]:
    members = answer.body if isinstance(answer.body, dict) else {}
    known = case.evidence.problem_schema.get("properties", {})
    required = case.evidence.problem_schema.get("required", _PROBLEM)
    wrong = [f"no {name}" for name in sorted({*_PROBLEM, *required}) if name not in members]
    wrong += [f"{name} is not in its schema" for name in members if known and name not in known]
    if members.get("status", answer.status) != answer.status:
        wrong.append(f"says {members['status']}")
    if answer.media_type != "application/problem+json":
        wrong.append(f"is {answer.media_type}")
    if wrong:
        yield Flaw(answer.operation, f"{answer.status} for {answer.asked}: {', '.join(wrong)}",
                   str(answer.body)[:200])  # fmt: skip


@rule("ASYNC-1", "Handlers are coroutines, and nothing blocks the loop", Point.ASYNC,
      over=lambda case: case.evidence.traces, owner="api", phases=("check",))  # fmt: skip
def nothing_blocks(trace: Trace, _case: Case) -> Iterator[Flaw]:
    if trace.chain and not trace.is_async:
        yield Flaw(trace.operation, "its handler is no coroutine")
    if trace.blocked_by:
        yield Flaw(trace.operation, "blocks the loop", trace.blocked_by)


@rule("MCP-1", "Every operation has a tool of its name, or a reason why not", Point.INTEGRATION,
      over=lambda case: [one for one in case.endpoints() if not _is_public(case, one)],
      owner="api")  # fmt: skip
def operations_have_tools(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    reasons = case.decisions.subjects("no tool")
    has_reason = endpoint.no_tool_because or any(
        endpoint.operation_id == said or endpoint.path.startswith(said) for said in reasons
    )
    wanted = {endpoint.mcp_tool} if endpoint.mcp_tool else _names(endpoint.operation_id)
    is_there = bool(wanted & set(case.evidence.tools)) or endpoint.mcp_tool is not None
    if not is_there and not has_reason:
        yield Flaw(endpoint.name, "no tool, and no reason why not")


def _names(operation_id: str) -> set[str]:
    return {operation_id, f"{operation_id}s"}


def _is_public(case: Case, endpoint: Endpoint) -> bool:
    return any(rule.level == "public" for rule in case.design.access(endpoint.name))
