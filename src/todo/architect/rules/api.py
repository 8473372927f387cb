"""Rules about what is said over HTTP."""

import re
from collections.abc import Iterator

from todo.architect.case import Answer, Case
from todo.architect.findings import CHECK, VERIFY, Flaw, Point, rule
from todo.architect.model import Endpoint, Field

_SNAKE = re.compile(r"[a-z][a-z0-9_]*")
_SEGMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*|\{[a-z_]+\}")
_PROBLEM = ("status", "detail", "error_code")


@rule("API-1", "POST to a collection answers 201, DELETE 204", Point.VALIDATION,
      lambda case: [one for one in case.endpoints() if one.method in {"POST", "DELETE"}], "api")  # fmt: skip
def success_by_method(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    creates = any(other.path.startswith(endpoint.path + "/{") for other in case.design.api.endpoints)
    expected = 204 if endpoint.method == "DELETE" else 201 if creates else None
    if expected is not None and expected not in endpoint.success:
        yield Flaw(endpoint.name, f"answers {endpoint.success}, not {expected}")


@rule("API-2", "A list is paged, has a total, and an order that ends in something unique", Point.VALIDATION,
      lambda case: [one for one in case.endpoints() if one.listing], "api")  # fmt: skip
def lists_are_paged(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    if not endpoint.paged:
        yield Flaw(endpoint.name, "answers a list without total and page")
    table = case.table_of(endpoint)
    unique = {name for key in [table.primary_key, *table.unique] for name in key} if table else set()
    for sort in endpoint.sorts:
        if table is not None and sort.tie_breaker not in unique:
            yield Flaw(endpoint.name, f"equal {sort.name} have no order: no unique tie-breaker")


@rule("API-3", "Strings of a request are bounded, and members nobody knows are refused", Point.VALIDATION,
      lambda case: [one for one in case.endpoints() if one.request], "api")  # fmt: skip
def requests_are_bounded(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    for field in endpoint.request:
        if field.type == "string" and field.max_length is None and not field.values:
            yield Flaw(endpoint.name, f"{field.name} may be of any length")
    if not endpoint.strict:
        yield Flaw(endpoint.name, "members nobody knows are taken")
    for answer in case.answers(endpoint, "unknown member", "unknown parameter"):
        if not answer.is_refusal:
            yield Flaw(endpoint.name, f"takes an {answer.asked}", str(answer))


@rule("API-4", "What is there stays: nothing is removed or tightened unless it is declared", Point.VALIDATION,
      lambda case: [(one, before) for one in case.subject.api.endpoints
                    if (before := case.live.endpoint(one.name)) is not None],
      "api", severity="ask", phases=VERIFY)  # fmt: skip
def nothing_breaks(both: tuple[Endpoint, Endpoint], case: Case) -> Iterator[Flaw]:
    endpoint, before = both
    for name in endpoint.removes:
        yield Flaw(endpoint.name, f"{name} is removed: clients that use it break")
    names = {field.name for field in [*before.request, *before.response]}
    for old, new in case.subject.api.renames.items():
        if old in names:
            yield Flaw(endpoint.name, f"{old} becomes {new}: clients that use it break")
    known = {field.name: field for field in before.request}
    for field in endpoint.request:
        yield from (Flaw(endpoint.name, said) for said in _tightened(field, known.get(field.name)))


def _tightened(field: Field, before: Field | None) -> Iterator[str]:
    if before is None:
        if field.required:
            yield f"{field.name} is new and required: requests of today are refused"
        return
    if field.type != before.type:
        yield f"{field.name} was {before.type} and becomes {field.type}"
    if field.required and not before.required:
        yield f"{field.name} becomes required"
    if (field.max_length or before.max_length or 0) < (before.max_length or 0):
        yield f"{field.name} may be shorter than before"
    if field.values and set(before.values or field.values) - set(field.values):
        yield f"{field.name} loses values"


@rule("API-5", "PATCH takes only what can be seen, and all of it is optional", Point.VALIDATION,
      lambda case: [one for one in case.endpoints() if one.method == "PATCH"], "api")  # fmt: skip
def patches_are_partial(endpoint: Endpoint, _case: Case) -> Iterator[Flaw]:
    shown = {field.name for field in endpoint.response}
    for field in endpoint.request:
        if field.required:
            yield Flaw(endpoint.name, f"{field.name} is required")
        if shown and field.name not in shown:
            yield Flaw(endpoint.name, f"{field.name} is taken and never shown")


@rule("NAME-1", "One way to name: snake_case, lower-case plural addresses, *_at for moments",
      Point.INTEGRATION, Case.endpoints, "api")  # fmt: skip
def names_agree(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    for segment in endpoint.path.strip("/").split("/"):
        if not _SEGMENT.fullmatch(segment):
            yield Flaw(endpoint.name, f"the address says {segment}")
    collection = endpoint.path.partition("/{")[0].rpartition("/")[2]
    if endpoint.is_item and not collection.endswith("s"):
        yield Flaw(endpoint.name, f"{collection} is not a plural")
    for field in [*endpoint.request, *endpoint.response]:
        if not _SNAKE.fullmatch(field.name):
            yield Flaw(endpoint.name, f"{field.name} is not snake_case")
    table = case.table_of(endpoint)
    for column in table.columns if table else []:
        is_moment = column.name == "at" or column.name.endswith("_at")
        if not _SNAKE.fullmatch(column.name) or (column.type == "timestamptz") != is_moment:
            yield Flaw(f"{endpoint.table}.{column.name}", f"a {column.type} of that name")


@rule("ERR-1", "Every refusal that can come is declared", Point.ERRORS, Case.endpoints, "api")
def refusals_are_declared(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    needed = set() if case.is_public(endpoint) else {401, 503}
    if endpoint.is_item and endpoint.method != "PUT":
        decided = case.foreign(endpoint)
        foreign = {rule.foreign for rule in case.design.access(endpoint.name) if rule.foreign}
        needed |= {404, 422} | ({int(decided)} if decided else foreign)
    if endpoint.request:
        needed.add(422)
    if missing := sorted(needed - set(endpoint.errors)):
        yield Flaw(endpoint.name, f"does not declare {', '.join(map(str, missing))}")


@rule("ERR-2", "Every refusal has the one shape: status, detail, error_code", Point.ERRORS,
      lambda case: [answer for answer in case.evidence.answers if answer.is_refusal], "api",
      phases=CHECK)  # fmt: skip
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
        said = f"{answer.status} for {answer.asked}: {', '.join(wrong)}"
        yield Flaw(answer.operation, said, str(answer))
