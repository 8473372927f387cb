"""Rules about what is said over HTTP, and who may say it."""

import re
from collections.abc import Iterator

from todo.architect.design import SERVERS_OWN, Access, Endpoint, Field
from todo.architect.rules.rule import Case, Rule, question, words
from todo.architect.schema import kind, unique_columns

_SECRET = re.compile(r"(^|_)(password|secret|token|hash|digest)($|_)")
_SNAKE = re.compile(r"[a-z][a-z0-9_]*")
_SEGMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*|\{[a-z_]+\}")


def _has_one_rule(one: Endpoint | Access, case: Case) -> str | None:
    if isinstance(one, Access):
        return None if case.design.endpoint(one.name) else "a rule for an endpoint that is not there"
    count = len(case.design.access(one.name))
    return None if count == 1 else f"{count or 'no'} rules of access"


def _asks_whose(one: Endpoint, case: Case) -> Iterator[str]:
    table, decided = case.table_of(one), case.constitution.decided("foreign", one.table or "")
    for access in case.design.access(one.name):
        if table is not None and access.ownership != bool(table.info["owner"]):
            nobodys = "has no column that says whose a row is"
            yield f"{table.name} {nobodys if access.ownership else 'has owners, and nobody asks whom'}"
        if decided and access.foreign and str(access.foreign) != decided:
            yield f"answers {access.foreign} for another's; decided is {decided}"


def _succeeds_as_usual(one: Endpoint, case: Case) -> str | None:
    creates = any(other.path.startswith(one.path + "/{") for other in case.design.api.endpoints)
    expected = 204 if one.method == "DELETE" else 201 if creates else one.success[0]
    return None if expected in one.success else f"answers {one.success}, not {expected}"


def _is_paged(one: Endpoint, case: Case) -> Iterator[str]:
    if not one.paged:
        yield "answers a list without total and page"
    if (table := case.table_of(one)) is None:
        return
    for name, by in one.sorts.items():
        if not {*re.findall(r"\w+", by.rpartition(",")[2])[:1]} & unique_columns(table):
            yield f"equal {name} have no order: no unique tie-breaker"


def _is_bounded(one: Endpoint, _: Case) -> Iterator[str]:
    for field in one.request:
        if field.type == "string" and field.max_length is None and not field.values:
            yield f"{field.name} may be of any length"
    if not one.strict:
        yield "members nobody knows are taken"


def _breaks(one: Endpoint, case: Case) -> Iterator[str]:
    before = case.live.endpoint(one.name)
    known = {field.name: field for field in before.request} if before else {}
    yield from (f"{name} is removed: clients that use it break" for name in one.removes)
    for field in one.request if before else ():
        was = known.get(field.name)
        if field.required and not (was and was.required):
            yield f"{field.name} is required: requests of today are refused"
        if was and _refuses_more(field, was):
            yield f"{field.name} takes less than before"


def _refuses_more(field: Field, was: Field) -> bool:
    is_shorter = (field.max_length or was.max_length or 0) < (was.max_length or 0)
    lost = {*(was.values or field.values or ())} - {*(field.values or was.values or ())}
    return field.type != was.type or is_shorter or bool(lost)


def _is_partial(one: Endpoint, _: Case) -> Iterator[str]:
    shown = {field.name for field in one.response}
    for field in one.request:
        if field.required:
            yield f"{field.name} is required"
        if shown and field.name not in shown:
            yield f"{field.name} is taken and never shown"


def _servers_own(one: Endpoint, case: Case) -> list[str]:
    table = case.table_of(one)
    own = {*SERVERS_OWN, table.info["owner"]} if table is not None and one.method != "GET" else set()
    return [f"a client may set {field.name}" for field in one.request if field.name in own]


def _undeclared(one: Endpoint, case: Case) -> str | None:
    needed = set() if case.is_public(one) else {401, 503}
    needed |= {422} if one.request else set()
    if one.is_item and one.method != "PUT":
        decided = case.constitution.decided("foreign", one.table or "")
        foreign = {rule.foreign for rule in case.design.access(one.name) if rule.foreign}
        needed |= {404, 422, *([int(decided)] if decided else foreign)}
    missing = ", ".join(map(str, sorted(needed - set(one.errors))))
    return f"does not declare {missing}" if missing else None


def _misnamed(one: Endpoint, case: Case) -> Iterator[str]:
    yield from (f"the address says {it}" for it in one.path[1:].split("/") if not _SEGMENT.fullmatch(it))
    if one.is_item and not one.collection.endswith("s"):
        yield f"{one.collection} is not a plural"
    table = case.table_of(one)
    columns = [] if table is None else [*table.columns]
    for name in [it.name for it in [*one.request, *one.response, *columns]]:
        if not _SNAKE.fullmatch(name):
            yield f"{name} is not snake_case"
    for column in columns:
        if (kind(column) == "timestamptz") != f"_{column.name}".endswith("_at"):
            yield f"{column.name} is the name of a {kind(column)}"


def _has_tool(one: Endpoint, case: Case) -> str | None:
    # Agents change many at once: their verbs may be plurals.
    is_there = one.mcp_tool or {one.operation_id, f"{one.operation_id}s"} & case.tools
    reasons = case.constitution.answers.get("no tool", {})
    has_reason = one.no_tool_because or any(
        one.operation_id == it or one.path.startswith(it) for it in reasons
    )
    return None if is_there or has_reason else "no tool, and no reason why not"


ACCESS = [
    Rule("AUTH-1", "auth", "Every endpoint has one rule of access, and every rule its endpoint",
         lambda case: [*case.endpoints(), *case.subject.auth.rules], _has_one_rule),
    Rule("AUTH-2", "auth", "Public is what the constitution lists; everybody else needs a token that is ours",
         Case.endpoints, lambda one, case: case.is_public(one)
         and not case.constitution.decided("public", one.name)
         and "is open to anybody, and nobody has decided that"),
    Rule("AUTH-3", "auth", "What belongs to somebody is theirs alone: others are refused as decided",
         Case.protected, _asks_whose),
    Rule("AUTH-4", "auth", "Claims that are used are claims that tokens carry",
         lambda case: case.subject.auth.rules,
         lambda one, case: [f"no token carries {it}" for it in one.claims if it not in case.claims]),
    Rule("AUTH-5", "api", "No password, token or digest leaves, neither in an answer nor in the log",
         Case.endpoints,
         lambda one, _: [f"{it.name} leaves" for it in one.response if _SECRET.search(it.name)]),
    Rule("ASK-foreign", "user", "Whether another's thing is forbidden or not there is decided",
         lambda case: [one for one in case.endpoints() if one.is_item and one.table],
         lambda one, case: not case.constitution.decided("foreign", one.table)
         and "is another's thing 403 (it exists) or 404 (nobody learns that)?",
         "verify", question("foreign", "security", "403", "404")),
    Rule("ASK-sharing", "user", "Whether people see each other's things is decided",
         lambda case: [case.subject.request],
         words("sharing", "may somebody else see or change it, and what exactly?",
               r"shar\w*|team\w*|assign\w*|collaborat\w*|others|invite\w*|delegate\w*"),
         "verify", question("sharing", "security", "never", "others may read", "others may read and change")),
]  # fmt: skip
VALIDATION = [
    Rule("API-1", "api", "POST to a collection answers 201, DELETE 204, and what is not there 404",
         lambda case: [one for one in case.endpoints() if one.method in {"POST", "DELETE"}],
         _succeeds_as_usual),
    Rule("API-2", "api", "A list is paged, has a total, and an order that ends in something unique",
         lambda case: [one for one in case.endpoints() if one.listing], _is_paged),
    Rule("API-3", "api", "Strings of a request are bounded, and members nobody knows are refused",
         Case.requests, _is_bounded),
    Rule("API-4", "api", "What is there stays: nothing is removed or tightened unless it is declared",
         lambda case: case.subject.api.endpoints, _breaks,
         "verify", question("breaking", "ambiguity", "keep the old beside the new", "break it, announced")),
    Rule("API-5", "api", "PATCH takes only what can be seen, and all of it is optional",
         lambda case: [one for one in case.endpoints() if one.method == "PATCH"], _is_partial),
    Rule("MAP-4", "api", "A client never writes what the server sets", Case.requests, _servers_own),
    Rule("ASK-visibility", "user", "Whether finished things are listed is decided",
         lambda case: [case.subject.request],
         words("visibility", "are they in the list, or only when asked for?",
               r"completed|archiv\w*|hidden|done ones"),
         "verify", question("visibility", "ambiguity", "listed", "only when asked for")),
]  # fmt: skip
ERRORS = [
    Rule("ERR-1", "api", "Every refusal that can come is declared", Case.endpoints, _undeclared),
    Rule("ERR-2", "api", "Every refusal has the one shape: status, detail, error_code", only="check"),
]
NAMES = [
    Rule("NAME-1", "api", "One way to name: snake_case, lower-case plural addresses, *_at for moments",
         Case.endpoints, _misnamed),
    Rule("MCP-1", "api", "Every operation has a tool of its name, or a reason why not",
         Case.protected, _has_tool),
    Rule("ASK-tradeoff", "user", "New infrastructure is decided", lambda case: [case.subject.request],
         words("infrastructure", "may the product need one more part to run?",
               r"queue|redis|kafka|celery|cache|elasticsearch|extension|graphql|websocket\w*|cron|broker"
               r"|e-?mails?|sms"),
         "verify", question("infrastructure", "tradeoff", "no: with what is there", "yes")),
]  # fmt: skip
