"""Rules about how API, schema and what runs fit each other."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa

from todo.architect.catalogue import kind
from todo.architect.design import SERVERS_OWN, Endpoint, Field
from todo.architect.evidence import Case
from todo.architect.rules.rule import CHECK, VERIFY, Rule, question, seen, where, words

_FITS = {
    "string": {"text", "varchar"},
    "integer": {"smallint", "integer", "bigint"},
    "number": {"numeric", "double precision", "smallint", "integer", "bigint"},
    "boolean": {"boolean"},
    "uuid": {"uuid"},
    "timestamp": {"timestamptz", "timestamp"},
    "date": {"date"},
    "array": {"text[]", "uuid[]", "jsonb"},
    "object": {"jsonb"},
}
_SNAKE = re.compile(r"[a-z][a-z0-9_]*")
_SEGMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*|\{[a-z_]+\}")


def _fields(one: Endpoint) -> list[Field]:
    return [*(one.request if one.method != "GET" else []), *one.response]


def _pairs(one: Endpoint, case: Case) -> Iterator[tuple[Field, sa.Column[Any]]]:
    """Give each member that has a column, with it."""
    table = case.table_of(one)
    for field in _fields(one):
        if table is not None and field.computed is None and field.name in table.columns:
            yield field, table.columns[field.name]


def _unmapped(one: Endpoint, case: Case) -> list[str]:
    computed = case.constitution.subjects("computed")
    members = [it.name for it in _fields(one) if not (it.computed or f"{one.table}.{it.name}" in computed)]
    columns = case.schema[one.table or ""].columns
    return [f"{name} has no column in {one.table}" for name in members if name not in columns]


def _too_long(one: Endpoint, case: Case) -> Iterator[str]:
    for field, column in _pairs(one, case):
        takes, most = field.max_length or "any number of", column.info.get("longest")
        if most and field in one.request and (field.max_length or 10**9) > most:
            yield f"{field.name} takes {takes} characters, its column {most}"


def _nulls(one: Endpoint, case: Case) -> Iterator[str]:
    for field, column in _pairs(one, case):
        if field in one.response and field.nullable != column.nullable and not column.computed:
            shown, kept = ("may be", "is never") if field.nullable else ("is never", "may be")
            yield f"{field.name} {shown} null, its column {kept}"
    table = case.table_of(one)
    if one.method != "POST" or case.phase == "check" or table is None:
        return
    before = case.before.get(table.name)
    given = {table.info["owner"], *SERVERS_OWN, *(field.name for field in one.request if field.required)}
    for column in table.columns:
        is_new = before is None or column.name not in before.columns
        may_be_left_out = column.nullable or column.server_default is not None
        if is_new and not may_be_left_out and column.name not in given:
            yield f"{column.name} must be there, and nobody says what it is"


def _misnamed(one: Endpoint, case: Case) -> Iterator[str]:
    for segment in one.path.strip("/").split("/"):
        if not _SEGMENT.fullmatch(segment):
            yield f"the address says {segment}"
    if one.is_item and not one.collection.endswith("s"):
        yield f"{one.collection} is not a plural"
    table = case.table_of(one)
    columns = [] if table is None else [*table.columns]
    for name in [it.name for it in [*one.request, *one.response, *columns]]:
        if not _SNAKE.fullmatch(name):
            yield f"{name} is not snake_case"
    for column in columns:
        is_moment = column.name == "at" or column.name.endswith("_at")
        if (kind(column) == "timestamptz") != is_moment:
            yield f"{column.name} is the name of a {kind(column)}"


def _without_tool(one: Endpoint, case: Case) -> str | None:
    verb = one.operation_id
    # Agents change many at once: their verbs may be plurals.
    is_there = one.mcp_tool is not None or bool({verb, f"{verb}s"} & case.evidence.tools)
    reasons = case.constitution.subjects("no tool")
    has_reason = one.no_tool_because or any(verb == it or one.path.startswith(it) for it in reasons)
    return None if is_there or has_reason else "no tool, and no reason why not"


def _untraced(one: Endpoint, case: Case) -> str | None:
    trace = next((trace for trace in case.evidence.traces if trace.name == one.name), None)
    if trace is None or not trace.chain:
        return "no route was found for it"
    is_refused = trace.status >= HTTPStatus.BAD_REQUEST and not trace.evidence
    return f"its owner is answered {trace.status}" if is_refused else None


INTEGRATION = [
    Rule("NAME-1", "api", "One way to name: snake_case, lower-case plural addresses, *_at for moments",
         [(Case.endpoints, _misnamed)]),
    Rule("MAP-0", "db", "An endpoint is about a table that is there",
         [(where(Case.endpoints, lambda one: one.table),
           lambda one, case: one.table not in case.schema and f"there is no table {one.table}")]),
    Rule("MAP-1", "db", "Every member has its column, or says how it is computed",
         [(Case.mapped, _unmapped)]),
    Rule("MAP-2", "db", "Members and columns are of one type",
         [(Case.mapped, lambda one, case: [f"{field.name} is {field.type}, its column {kind(column)}"
                                           for field, column in _pairs(one, case)
                                           if kind(column).partition("(")[0] not in _FITS[field.type]])]),
    Rule("MAP-3", "db", "What is accepted fits its column", [(Case.mapped, _too_long)]),
    Rule("MAP-5", "db", "What must be there is asked for or has a default; null goes in and out alike",
         [(Case.mapped, _nulls)]),
    Rule("LIVE-0", "api", "Every operation was called, answered, and its handler found",
         [(Case.endpoints, _untraced)], CHECK),
    Rule("MCP-1", "api", "Every operation has a tool of its name, or a reason why not",
         [(Case.protected, _without_tool)]),
    Rule("LAYER-1", "user", "Imports point downwards", seen("LAYER-1"), CHECK),
    Rule("ASK-tradeoff", "user", "New infrastructure is decided",
         words("infrastructure", "may the product need one more part to run?",
               r"queue|redis|kafka|celery|cache|elasticsearch|extension|graphql|websocket\w*|cron|broker"
               r"|e-?mails?|sms"),
         VERIFY, question("infrastructure", "tradeoff", "no: with what is there", "yes")),
]  # fmt: skip
ASYNC = [
    Rule("ASYNC-1", "api", "Handlers are coroutines, and nothing blocks the loop",
         [(lambda case: case.evidence.traces, lambda one, _: (one.evidence and "blocks the loop")
           or (one.chain and not one.is_async and "its handler is no coroutine"))], CHECK),
]  # fmt: skip
