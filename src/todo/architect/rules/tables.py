"""Rules about what is kept, and how it fits what is said."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from todo.architect.design import SERVERS_OWN, Endpoint, Field
from todo.architect.planner import BUFFER_BUDGET
from todo.architect.rules.rule import Case, Rule, question, words
from todo.architect.schema import has_key, kind, rows_of, shown

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
}  # fmt: skip


def _fields(one: Endpoint) -> list[Field]:
    return [*(one.request if one.method != "GET" else []), *one.response]


def _pairs(one: Endpoint, case: Case) -> Iterator[tuple[Field, sa.Column[Any]]]:
    """Give each member that has a column, with it."""
    columns = case.schema[one.table or ""].columns
    for field in _fields(one):
        if field.computed is None and field.name in columns:
            yield field, columns[field.name]


def _unmapped(one: Endpoint, case: Case) -> Iterator[str]:
    computed = case.constitution.answers.get("computed", {})
    for field in _fields(one):
        is_made = field.computed or f"{one.table}.{field.name}" in computed
        if not is_made and field.name not in case.schema[one.table or ""].columns:
            yield f"{field.name} has no column in {one.table}"


def _too_long(one: Endpoint, case: Case) -> Iterator[str]:
    for field, column in _pairs(one, case):
        most = column.info.get("longest")
        if most and field in one.request and (field.max_length or most + 1) > most:
            yield f"{field.name} takes {field.max_length or 'any number of'} characters, its column {most}"


def _nulls(one: Endpoint, case: Case) -> Iterator[str]:
    for field, column in _pairs(one, case):
        if field in one.response and field.nullable != column.nullable and not column.computed:
            said, kept = ("may be", "is never") if field.nullable else ("is never", "may be")
            yield f"{field.name} {said} null, its column {kept}"
    table = case.schema[one.table or ""]
    known = case.before[table.name].columns.keys() if table.name in case.before else []
    given = {table.info["owner"], *SERVERS_OWN, *(field.name for field in one.request if field.required)}
    for column in table.columns if one.method == "POST" else ():
        may_be_left_out = column.nullable or column.server_default is not None
        if not may_be_left_out and column.name not in {*known, *given}:
            yield f"{column.name} must be there, and nobody says what it is"


def _has_times(one: sa.Table, case: Case) -> Iterator[str]:
    if not {"created_at", "at"} & set(one.columns.keys()):
        yield "no created_at"
    methods = {it.method for it in case.design.api.endpoints if it.table == one.name and it.is_item}
    if "PATCH" in methods and "updated_at" not in one.columns:
        yield "rows are changed, and there is no updated_at"
    is_soft = (case.constitution.decided("deletion", one.name) or "").startswith("soft")
    if "DELETE" in methods and is_soft and "deleted_at" not in one.columns:
        yield "deleting is soft, and there is no deleted_at"


def _needless(one: sa.Table, _: Case) -> Iterator[str]:
    for index in one.indexes:
        for other in one.indexes - {index}:
            begins = shown(other)[: len(shown(index))] == shown(index)
            if begins and rows_of(other) == rows_of(index) and not index.unique:
                yield f"({', '.join(shown(index))}) begins ({', '.join(shown(other))})"


def _keys(one: sa.Table) -> list[tuple[sa.ForeignKeyConstraint, str]]:
    return [(key, f"({', '.join(key.column_keys)})") for key in one.foreign_key_constraints]


SCHEMA = [
    Rule("DB-1", "db", "A table says since when and when last; what is deleted goes as decided",
         lambda case: [one for one in case.tables() if one.name not in case.before or case.phase == "check"],
         _has_times),
    Rule("DB-2", "db", "Moments have a time zone", Case.tables,
         lambda one, _: [f"{it.name} is a timestamp without time zone"
                         for it in one.columns if kind(it) == "timestamp"]),
    Rule("DB-3", "db", "A reference says what happens when the other goes", Case.tables,
         lambda one, _: [f"{it} has no ON DELETE" for key, it in _keys(one) if not key.ondelete]),
    Rule("DB-4", "db", "No index is the beginning of another, and each new one serves a query",
         lambda case: [one for one in case.tables() if one.indexes], _needless),
    Rule("IDX-1", "db", "Every filter and order of a list is served by an index that begins with the owner"),
    Rule("IDX-2", "db", "References have an index", Case.tables,
         lambda one, _: [f"no index begins with {it}" for key, it in _keys(one)
                         if not has_key(one, key.column_keys)]),
    Rule("IDX-3", "db", f"A page of the heaviest owner touches at most {BUFFER_BUDGET} buffers"),
    Rule("ASK-retention", "user", "What becomes of deleted data is decided",
         lambda case: [one for one in case.subject.api.endpoints if one.method == "DELETE"],
         lambda one, case: not case.constitution.decided("deletion", one.table or "")
         and f"is a deleted row of {one.table} kept for a while, or gone at once?",
         "verify", question("deletion", "retention", "soft: kept for a while, can be brought back",
                            "hard: gone at once")),
    Rule("ASK-volume", "user", "Speed is asked for in numbers", lambda case: [case.subject.request],
         words("volume", "how many rows of how many people, and how fast is fast?",
               r"fast\w*|quick\w*|thousands|millions|scal\w*|performan\w*", unless=r"\d"),
         "verify", question("volume", "performance", "10,000 people, 100,000 rows each, a page in 50 ms")),
]  # fmt: skip
MAPPING = [
    Rule("MAP-0", "db", "An endpoint is about a table that is there",
         lambda case: [one for one in case.endpoints() if one.table],
         lambda one, case: case.table_of(one) is None and f"there is no table {one.table}"),
    Rule("MAP-1", "db", "Every member has its column, or says how it is computed", Case.mapped, _unmapped),
    Rule("MAP-2", "db", "Members and columns are of one type", Case.mapped,
         lambda one, case: [f"{field.name} is {field.type}, its column {kind(column)}"
                            for field, column in _pairs(one, case)
                            if kind(column).partition("(")[0] not in _FITS[field.type]]),
    Rule("MAP-3", "db", "What is accepted fits its column", Case.mapped, _too_long),
    Rule("MAP-5", "db", "What must be there is asked for or has a default; null goes in and out alike",
         Case.mapped, _nulls),
]  # fmt: skip
MIGRATIONS = [
    Rule("DRY-1", "db", "PostgreSQL takes the statements", only="verify"),
    Rule("DRY-2", "db", "Migrations go up, down and up again, and end at the tables in code", only="check"),
    Rule("MIG-1", "db", "A migration is declared as hard as it is", only="verify"),
    Rule("MIG-2", "db", "What changes or removes data that is there is decided by a person", only="verify",
         asks=question("migration", "migration", "in two releases", "in one, with downtime", "not at all")),
]  # fmt: skip
