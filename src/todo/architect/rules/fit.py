"""Rules about how API and schema fit each other."""

from collections.abc import Iterator

from todo.architect.case import Case
from todo.architect.findings import Flaw, Point, rule
from todo.architect.model import Column, Endpoint, Field, Table

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
_SERVERS_OWN = {"id", "created_at", "updated_at", "deleted_at", "version"}


def _mapped(case: Case) -> list[tuple[Endpoint, Table]]:
    return [
        (endpoint, table)
        for endpoint in case.endpoints()
        if (table := case.table_of(endpoint)) is not None and endpoint.response
    ]


def _members(endpoint: Endpoint, table: Table) -> Iterator[tuple[Field, Column]]:
    fields = [*endpoint.request, *endpoint.response] if endpoint.is_write else endpoint.response
    for field in fields:
        column = table.column(field.name)
        if column is not None and field.computed is None:
            yield field, column


@rule("MAP-0", "An endpoint is about a table that is there", Point.INTEGRATION,
      lambda case: [one for one in case.endpoints() if one.table], "db")  # fmt: skip
def table_is_there(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    if case.table_of(endpoint) is None:
        yield Flaw(endpoint.name, f"there is no table {endpoint.table}")


@rule("MAP-1", "Every member has its column, or says how it is computed", Point.INTEGRATION,
      _mapped, "db")  # fmt: skip
def members_have_columns(both: tuple[Endpoint, Table], case: Case) -> Iterator[Flaw]:
    endpoint, table = both
    computed = case.decisions.subjects("computed")
    for field in [*(endpoint.request if endpoint.is_write else []), *endpoint.response]:
        if not (table.column(field.name) or field.computed or f"{table.name}.{field.name}" in computed):
            yield Flaw(endpoint.name, f"{field.name} has no column in {table.name}")
    asked = [one.column for part in (endpoint.filters, endpoint.sorts, endpoint.where) for one in part]
    for name in dict.fromkeys(asked):
        if table.column(name) is None:
            yield Flaw(endpoint.name, f"{name} has no column in {table.name}")


@rule("MAP-2", "Members and columns are of one type", Point.INTEGRATION, _mapped, "db")
def types_fit(both: tuple[Endpoint, Table], _case: Case) -> Iterator[Flaw]:
    endpoint, table = both
    for field, column in _members(endpoint, table):
        if column.type.partition("(")[0] not in _FITS[field.type]:
            yield Flaw(endpoint.name, f"{field.name} is {field.type}, its column {column.type}")


@rule("MAP-3", "What is accepted fits its column", Point.INTEGRATION, _mapped, "db")
def lengths_fit(both: tuple[Endpoint, Table], _case: Case) -> Iterator[Flaw]:
    endpoint, table = both
    for field in endpoint.request if endpoint.is_write else []:
        column = table.column(field.name)
        if column is None or column.max_length is None:
            continue
        if field.max_length is None or field.max_length > column.max_length:
            said = f"takes {field.max_length or 'any number of'} characters, the column {column.max_length}"
            yield Flaw(endpoint.name, f"{field.name} {said}")


@rule("MAP-4", "A client never writes what the server sets", Point.VALIDATION,
      lambda case: [one for one in case.endpoints() if one.is_write and one.request], "api")  # fmt: skip
def servers_own_members(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    table = case.table_of(endpoint)
    own = _SERVERS_OWN | ({table.owner} if table and table.owner else set())
    for field in endpoint.request:
        if table is not None and field.name in own:
            yield Flaw(endpoint.name, f"a client may set {field.name}")
    for answer in case.answers(endpoint, "server's own member"):
        if not answer.is_refusal and table is not None:
            yield Flaw(endpoint.name, f"takes {answer.detail}", str(answer))


@rule("MAP-5", "What must be there is asked for or has a default; null goes in and out alike",
      Point.INTEGRATION, _mapped, "db")  # fmt: skip
def nulls_fit(both: tuple[Endpoint, Table], case: Case) -> Iterator[Flaw]:
    endpoint, table = both
    for field, column in _members(endpoint, table):
        if field in endpoint.response and field.nullable != column.nullable and not column.computed:
            shown, kept = ("may be", "is never") if field.nullable else ("is never", "may be")
            yield Flaw(endpoint.name, f"{field.name} {shown} null, its column {kept}")
    before = case.live.table(table.name)
    asked = {field.name for field in endpoint.request if field.required}
    if endpoint.method != "POST" or (before is not None and case.phase == "check"):
        return
    for column in table.columns:
        is_new = before is None or before.column(column.name) is None
        is_set = column.name in {table.owner, *_SERVERS_OWN} or column.nullable or column.default is not None
        if is_new and not is_set and not column.computed and column.name not in asked:
            yield Flaw(endpoint.name, f"{column.name} must be there, and nobody says what it is")
