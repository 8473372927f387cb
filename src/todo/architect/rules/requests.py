"""Rules about what is said over HTTP: what is asked, what is answered, and what is refused."""

import re
from collections.abc import Iterator

from todo.architect.catalogue import unique_columns
from todo.architect.design import SERVERS_OWN, Endpoint, Field
from todo.architect.evidence import Answer, Case
from todo.architect.rules.rule import CHECK, VERIFY, Rule, answers, question, where, words

_PROBLEM = {"status", "detail", "error_code"}
_REQUESTS = where(Case.endpoints, lambda one: one.request)


def _succeeds_as_usual(one: Endpoint, case: Case) -> str | None:
    creates = any(other.path.startswith(one.path + "/{") for other in case.design.api.endpoints)
    expected = 204 if one.method == "DELETE" else 201 if creates else one.success[0]
    return None if expected in one.success else f"answers {one.success}, not {expected}"


def _is_paged(one: Endpoint, case: Case) -> Iterator[str]:
    if not one.paged:
        yield "answers a list without total and page"
    if (table := case.table_of(one)) is not None:
        last = {name: re.findall(r"\w+", by.rpartition(",")[2])[:1] for name, by in one.sorts.items()}
        unordered = [name for name, column in last.items() if not {*column} & unique_columns(table)]
        yield from (f"equal {name} have no order: no unique tie-breaker" for name in unordered)


def _is_bounded(one: Endpoint, _: Case) -> Iterator[str]:
    for field in one.request:
        if field.type == "string" and field.max_length is None and not field.values:
            yield f"{field.name} may be of any length"
    if not one.strict:
        yield "members nobody knows are taken"


def _breaks(one: Endpoint, case: Case) -> Iterator[str]:
    before = case.live.endpoint(one.name)
    if before is None:
        return
    known = {field.name: field for field in before.request}
    yield from (f"{name} is removed: clients that use it break" for name in one.removes)
    for field in one.request:
        yield from _tightened(field, known.get(field.name))


def _tightened(field: Field, before: Field | None) -> Iterator[str]:
    if field.required and not (before and before.required):
        yield f"{field.name} is required: requests of today are refused"
    if before is None:
        return
    if field.type != before.type:
        yield f"{field.name} was {before.type} and becomes {field.type}"
    if (field.max_length or before.max_length or 0) < (before.max_length or 0):
        yield f"{field.name} may be shorter than before"
    if field.values and set(before.values or field.values) - set(field.values):
        yield f"{field.name} loses values"


def _is_partial(one: Endpoint, _: Case) -> Iterator[str]:
    shown = {field.name for field in one.response}
    for field in one.request:
        if field.required:
            yield f"{field.name} is required"
        if shown and field.name not in shown:
            yield f"{field.name} is taken and never shown"


def _servers_own(one: Endpoint, case: Case) -> list[str]:
    table = case.table_of(one)
    own = set() if table is None else {*SERVERS_OWN, table.info["owner"]}
    return [
        f"a client may set {field.name}" for field in one.request if one.method != "GET" and field.name in own
    ]


def _undeclared(one: Endpoint, case: Case) -> str | None:
    needed = set() if case.is_public(one) else {401, 503}
    if one.request:
        needed.add(422)
    if one.is_item and one.method != "PUT":
        decided = case.foreign(one)
        foreign = {rule.foreign for rule in case.design.access(one.name) if rule.foreign}
        needed |= {404, 422, *([int(decided)] if decided else foreign)}
    missing = ", ".join(map(str, sorted(needed - set(one.errors))))
    return f"does not declare {missing}" if missing else None


def _misshapen(one: Answer, _: Case) -> str | None:
    members = one.body if isinstance(one.body, dict) else {}
    wrong = [f"no {name}" for name in sorted(_PROBLEM - set(members))]
    if members.get("status", one.status) != one.status:
        wrong.append(f"says {members['status']}")
    if one.media_type != "application/problem+json":
        wrong.append(f"is {one.media_type}")
    return f"{one.status} for {one.asked}: {', '.join(wrong)}" if wrong else None


VALIDATION = [
    Rule("API-1", "api", "POST to a collection answers 201, DELETE 204",
         [(where(Case.endpoints, lambda one: one.method in {"POST", "DELETE"}), _succeeds_as_usual)]),
    Rule("API-2", "api", "A list is paged, has a total, and an order that ends in something unique",
         [(where(Case.endpoints, lambda one: one.listing), _is_paged)]),
    Rule("API-3", "api", "Strings of a request are bounded, and members nobody knows are refused",
         [(_REQUESTS, _is_bounded), (answers("unknown member", "unknown parameter"),
                                     lambda one, _: not one.is_refusal and f"takes an {one.asked}")]),
    Rule("API-4", "api", "What is there stays: nothing is removed or tightened unless it is declared",
         [(lambda case: case.subject.api.endpoints, _breaks)],
         VERIFY, question("breaking", "ambiguity", "keep the old beside the new", "break it, announced")),
    Rule("API-5", "api", "PATCH takes only what can be seen, and all of it is optional",
         [(where(Case.endpoints, lambda one: one.method == "PATCH"), _is_partial)]),
    Rule("MAP-4", "api", "A client never writes what the server sets",
         [(_REQUESTS, _servers_own), (answers("server's own member"),
                                      lambda one, case: not one.is_refusal and case.table_of(one) is not None
                                      and f"takes {one.detail}")]),
    Rule("ASK-visibility", "user", "Whether finished things are listed is decided",
         words("visibility", "are they in the list, or only when asked for?",
               r"completed|archiv\w*|hidden|done ones"),
         VERIFY, question("visibility", "ambiguity", "listed", "only when asked for")),
]  # fmt: skip
ERRORS = [
    Rule("ERR-1", "api", "Every refusal that can come is declared", [(Case.endpoints, _undeclared)]),
    Rule("ERR-2", "api", "Every refusal has the one shape: status, detail, error_code",
         [(lambda case: [one for one in case.evidence.answers if one.is_refusal], _misshapen)], CHECK),
]  # fmt: skip
