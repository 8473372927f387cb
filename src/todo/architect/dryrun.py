"""Tries a proposal on a scratch database: its statements run, its queries are planned, and all is undone."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from todo.architect.ddl import NotAllowed, condition, quoted, statements
from todo.architect.design import Condition, Design, Endpoint, Filter, Sort, Table
from todo.architect.evidence import Looked, Query
from todo.architect.planner import be_strict, explain
from todo.architect.scratch import refuse_unmarked
from todo.database.engine import Connection

_PAGE = 20
_BOUNDS = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '30s'"


async def dry_run(
    connection: Connection, proposal: Design, whole: Design, live: Design
) -> tuple[list[Looked], list[Query]]:
    """Give each statement with the error it made, and how each filter and order of a new list is served."""
    await refuse_unmarked(connection)
    transaction = connection.transaction()
    await transaction.start()
    try:
        role = await connection.fetchval("SELECT current_database()")
        await connection.execute(f'SET LOCAL ROLE "{role}"; {_BOUNDS}')
        tables = [(table, live.table(table.name)) for table in proposal.db.tables]
        ran = [looked for both in tables async for looked in _ran(connection, *both)]
        await be_strict(connection)
        lists = [(one, whole.table(one.table)) for one in proposal.api.endpoints if one.listing]
        owned = [(one, table, table.owner) for one, table in lists if table and table.owner]
        return ran, [query for one in owned async for query in _queries(connection, *one)]
    finally:
        await transaction.rollback()


async def _ran(connection: Connection, table: Table, before: Table | None) -> AsyncIterator[Looked]:
    try:
        for statement in statements(table, before):
            fault = ""
            try:
                async with connection.transaction():
                    await connection.execute(statement)
            except asyncpg.PostgresError as error:
                fault = f"{type(error).__name__}: {error}"
            yield Looked(statement.partition(" (")[0], fault, statement)
    except NotAllowed as error:
        yield Looked(table.name, str(error))


async def _queries(
    connection: Connection, endpoint: Endpoint, table: Table, owner: str
) -> AsyncIterator[Query]:
    name, mine = quoted(table.name), quoted(owner)
    types = {column.name: column.type for column in table.columns}
    heaviest = f"SELECT {mine} FROM {name} GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"  # noqa: S608  # quoted names
    person = await _value(connection, heaviest)
    conditions = [f"{mine} = $1", *(condition(one, types) for one in endpoint.where)]
    rows = f"SELECT * FROM {name} WHERE {' AND '.join(conditions)}"  # noqa: S608  # quoted names
    for wanted in endpoint.filters:
        asked = condition(Condition(column=wanted.column, op=wanted.op), types, "$2")
        values = [] if wanted.op.endswith("null") else [await _rare(connection, name, wanted)]
        # Not run: how many buffers a filter touches depends on what it asks for.
        if plan := await explain(connection, f"{rows} AND {asked}", [person, *values]):
            faults = [*plan.scans({table.name: owner}), *plan.reads_by({wanted.column})]
            yield Query(f"{endpoint.name} filter {wanted.name}", plan, tuple(faults))
    for sort in endpoint.sorts:
        page = f"{rows} ORDER BY {_order(sort)} LIMIT {_PAGE}"
        if plan := await explain(connection, page, [person], run=True):
            faults = [*plan.scans({table.name: owner}), *plan.sorts()]
            yield Query(f"{endpoint.name} sort {sort.name}", plan, tuple(faults))


def _order(sort: Sort) -> str:
    direction = " DESC" if sort.descending else ""
    return ", ".join(quoted(name) + direction for name in (sort.column, sort.tie_breaker) if name)


async def _rare(connection: Connection, table: str, wanted: Filter) -> Any:
    """Give a value that few rows match, taken from the rows there are."""
    place = 0.98 if wanted.op in {"gt", "gte"} else 0.02
    within = f"percentile_disc({place}) WITHIN GROUP (ORDER BY {quoted(wanted.column)})"
    value = await _value(connection, f"SELECT {within} FROM {table}")  # noqa: S608  # quoted names
    return value[:8] if wanted.op in {"prefix", "search"} and value else value


async def _value(connection: Connection, sql: str) -> Any:
    """Give one value; None where it names what is not there, which another rule says."""
    try:
        async with connection.transaction():
            return await connection.fetchval(sql)
    except asyncpg.SyntaxOrAccessError:
        return None
