"""Tries a proposal on a scratch database: its statements run, its queries are planned, and all is undone."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from uuid import UUID

import asyncpg

from todo.architect.case import ListPlan
from todo.architect.ddl import NotAllowed, condition, quoted, statements
from todo.architect.model import Condition, Design, Endpoint, Filter, Sort, Table
from todo.architect.planner import Plan, be_strict, explain
from todo.architect.scratch import refuse_unmarked
from todo.database.engine import Connection

_PAGE = 20
# What is not there has been said by another rule.
_NOT_THERE = (asyncpg.PostgresError, asyncpg.DataError)


async def dry_run(
    connection: Connection, proposal: Design, whole: Design, live: Design
) -> tuple[list[tuple[str, str]], list[ListPlan]]:
    """Give each statement with the error it made, and how each filter and order of a new list is served."""
    await refuse_unmarked(connection)
    transaction = connection.transaction()
    await transaction.start()
    try:
        role = await connection.fetchval("SELECT current_database()")
        await connection.execute(
            f"SET LOCAL ROLE \"{role}\"; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '30s'"
        )
        ran = [
            done
            for table in proposal.db.tables
            for done in await _executed(connection, table, live.table(table.name))
        ]
        await be_strict(connection)
        plans = [
            plan
            for endpoint in proposal.api.endpoints
            for plan in await _planned(connection, endpoint, whole.table(endpoint.table))
        ]
    finally:
        await transaction.rollback()
    return ran, plans


async def _executed(connection: Connection, table: Table, before: Table | None) -> list[tuple[str, str]]:
    done: list[tuple[str, str]] = []
    steps = statements(table, before)
    while True:
        try:
            statement = next(steps)
        except StopIteration:
            return done
        except NotAllowed as error:
            return [*done, (table.name, str(error))]
        try:
            async with connection.transaction():
                await connection.execute(statement)
        except asyncpg.PostgresError as error:
            done.append((statement, f"{type(error).__name__}: {error}"))
        else:
            done.append((statement, ""))


async def _planned(connection: Connection, endpoint: Endpoint, table: Table | None) -> list[ListPlan]:
    if table is None or table.owner is None or not endpoint.listing:
        return []
    owner = await connection.fetchval(
        f"SELECT {quoted(table.owner)} FROM {quoted(table.name)} GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"  # noqa: S608  # quoted names
    ) if await _exists(connection, table) else None  # fmt: skip
    if owner is None:
        return []
    return [plan async for plan in _plans(connection, endpoint, table, owner)]


async def _exists(connection: Connection, table: Table) -> bool:
    return bool(
        await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"public.{quoted(table.name)}")
    )


def _faults(plan: Plan, table: Table, column: str | None) -> Iterator[str]:
    yield from plan.scans({table.name: table.owner or ""})
    if column is None:
        yield from plan.sorts()
    elif column in plan.filtered({column}):
        yield f"reads rows by {', '.join(sorted(plan.indexes))} and throws them away by {column}"


async def _plans(
    connection: Connection, endpoint: Endpoint, table: Table, owner: UUID
) -> AsyncIterator[ListPlan]:
    types = {column.name: column.type for column in table.columns}
    conditions = [condition(one, types.get(one.column, "text")) for one in endpoint.where]
    mine = " AND ".join([f"{quoted(table.owner or '')} = $1", *conditions])
    rows = f"SELECT * FROM {quoted(table.name)} WHERE {mine}"  # noqa: S608  # quoted names
    for wanted in endpoint.filters:
        asked = Condition(column=wanted.column, op=wanted.op)
        kind = types.get(wanted.column, "text")
        is_asking = wanted.op not in {"is_null", "is_not_null"}
        sql = f"{rows} AND {condition(asked, kind, f'$2::{kind}')}"
        with suppress(*_NOT_THERE):
            values = [await _rare(connection, table, wanted)] if is_asking else []
            plan = await _explained(connection, sql, [owner, *values])
            yield _judged(f"{endpoint.name} filter {wanted.name}", plan, table, wanted.column)
    for sort in endpoint.sorts:
        with suppress(*_NOT_THERE):
            plan = await _explained(connection, f"{rows} ORDER BY {_order(sort)} LIMIT {_PAGE}", [owner])
            yield _judged(f"{endpoint.name} sort {sort.name}", plan, table, None)


def _judged(where: str, plan: Plan, table: Table, column: str | None) -> ListPlan:
    # A page touches few buffers whatever its order; how many a filter touches depends on what it asks for.
    buffers = plan.buffers if column is None else None
    return ListPlan(where, tuple(_faults(plan, table, column)), str(plan), plan.indexes, buffers)


async def _explained(connection: Connection, sql: str, arguments: list[object]) -> Plan:
    async with connection.transaction():
        return await explain(connection, sql, arguments, run=True)


def _order(sort: Sort) -> str:
    direction = " DESC" if sort.descending else ""
    return ", ".join(quoted(name) + direction for name in (sort.column, sort.tie_breaker) if name)


async def _rare(connection: Connection, table: Table, wanted: Filter) -> object:
    """Give a value that few rows match, taken from the rows there are."""
    place = 0.98 if wanted.op in {"gt", "gte"} else 0.02
    column, name = quoted(wanted.column), quoted(table.name)
    async with connection.transaction():
        value = await connection.fetchval(
            f"SELECT percentile_disc({place}) WITHIN GROUP (ORDER BY {column}) FROM {name}"  # noqa: S608  # quoted names
        )
    return value[:8] if wanted.op in {"prefix", "search"} else value
