"""Tries a proposal on a scratch database: its statements run, its queries are planned, and all is undone."""

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import sqlalchemy as sa

from todo.architect.catalogue import Schema, kind, opened, quoted, read_schema
from todo.architect.design import Change, Design, Endpoint, Migration
from todo.architect.evidence import Evidence, Looked, Query, Step
from todo.architect.planner import Plan, be_strict, explain
from todo.architect.scratch import designer_of, refuse_unmarked
from todo.database.engine import Connection
from todo.database.url import DatabaseUrl

_PAGE = 20
_PATIENCE_SECONDS = 30
_BOUNDS = f"""
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '{_PATIENCE_SECONDS}s';
SET LOCAL plan_cache_mode = force_generic_plan
"""
# Nothing that could end the transaction, or go on after it.
_ALLOWED = re.compile(
    r"(CREATE\s+TABLE|ALTER\s+TABLE|CREATE\s+(UNIQUE\s+)?INDEX|CREATE\s+POLICY|GRANT|INSERT|UPDATE)\s",
    re.IGNORECASE,
)
# An index over rows that were changed is looked at only when they are written anew, as this has it.
_REWRITE = "ALTER TABLE {0} ADD COLUMN anew float DEFAULT random(); ALTER TABLE {0} DROP COLUMN anew"
_REFUSED = "a design has CREATE TABLE, INDEX and POLICY, ALTER TABLE, GRANT, INSERT and UPDATE, and no other"


async def dry_run(url: DatabaseUrl, proposal: Design, whole: Design, live: Schema) -> tuple[Schema, Evidence]:
    """Run the statements as one who can reach the scratch tables alone; plan every filter and order.

    Gives the schema as it is then, and what was seen on the way.
    """
    async with opened(designer_of(url)) as undone:
        # This begins the transaction that nobody commits.
        await undone.exec_driver_sql("SELECT 1")
        connection: Any = (await undone.get_raw_connection()).driver_connection
        await refuse_unmarked(connection)
        await connection.execute(_BOUNDS)
        declared = proposal.db.migration
        ran = [await _ran(connection, change, declared) for change in proposal.db.changes]
        schema = await read_schema(undone)
        # SQLAlchemy has JSON read in its own way; plans are read in ours.
        await connection.reset_type_codec("json", schema="pg_catalog")
        for name in sorted(schema.keys() - live.keys()):
            await connection.execute(f"ANALYZE {quoted(name)}")
        await be_strict(connection)
        asked = [
            one
            for endpoint in whole.api.endpoints
            if endpoint.listing and proposal.endpoint(endpoint.name)
            if (table := schema.get(endpoint.table or "")) is not None and table.info["owner"]
            async for one in _asked(connection, endpoint, table)
        ]
    steps = [step for _, step in ran] + [step_of(table, live.get(name)) for name, table in schema.items()]
    queries = tuple(one for one in asked if isinstance(one, Query))
    said = [one for one, _ in ran] + [one for one in asked if isinstance(one, Looked)]
    return schema, Evidence(steps=tuple(steps), queries=queries, looked={"DRY-1": said})


async def _ran(connection: Connection, change: Change, declared: Migration) -> tuple[Looked, Step]:
    """Give what a statement was answered, and what it means for the rows that are there."""
    fault = rows = ""
    try:
        if not _ALLOWED.match(change.sql):
            raise asyncpg.SyntaxOrAccessError(_REFUSED)
        async with connection.transaction():
            # Not `execute`, which would take several statements.
            await connection.fetch(change.sql, timeout=_PATIENCE_SECONDS)
            if change.is_update:
                await connection.execute(_REWRITE.format(quoted(change.table)))
        rows = "rows that are there change" if change.is_update else ""
    except (asyncpg.PostgresError, TimeoutError) as error:
        fault = f"{type(error).__name__}: {error}"
        # Until it is declared as that, it is a migration that is harder than it says.
        if isinstance(error, asyncpg.IntegrityConstraintViolationError) and declared.is_gentle:
            fault, rows = "", f"rows that are there are in the way: {error}"
    name = " ".join(change.sql.partition("(")[0].split())
    needed = Migration.TRANSFORM if rows else Migration.NONE
    return Looked(name, fault, change.sql), Step(change.table, needed, rows, change.sql)


def step_of(table: sa.Table, before: sa.Table | None) -> Step:
    """Give what has become of a table."""
    if before is None:
        return Step(table.name, Migration.EXPAND, "a new table")
    if gone := ", ".join(one.name for one in before.columns if one.name not in table.columns):
        return Step(table.name, Migration.CONTRACT, f"{gone} is gone for what still runs")
    for column in table.columns:
        known = before.columns.get(column.name)
        if known is not None and kind(known) != kind(column):
            changed = f"{column.name} changes from {kind(known)} to {kind(column)}"
            return Step(table.name, Migration.TRANSFORM, changed)
        was_left_out = column.server_default is None if known is None else known.nullable
        if was_left_out and not column.nullable:
            return Step(table.name, Migration.TRANSFORM, f"{column.name} must be there from now on")
    is_as_it_was = _parts(table) == _parts(before)
    return Step(table.name, Migration.NONE if is_as_it_was else Migration.EXPAND, "it only adds")


def _parts(table: sa.Table) -> set[str]:
    named: list[Any] = [*table.columns, *table.indexes, *table.constraints]
    return {str(one.name) for one in named}


async def _asked(
    connection: Connection, endpoint: Endpoint, table: sa.Table
) -> AsyncIterator[Query | Looked]:
    """Plan a list as it is narrowed by each filter, and as it comes in each order."""
    owner, name = table.info["owner"], quoted(table.name)
    heaviest = f"SELECT {quoted(owner)} FROM {name} GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"  # noqa: S608  # quoted names
    person = await connection.fetchval(heaviest)
    if person is None:
        yield Looked(table.name, "has no rows to plan on: add an INSERT of some hundred for each person")
        return
    rows = f"SELECT * FROM {name} WHERE {quoted(owner)} = $1 AND ({endpoint.where})"  # noqa: S608  # who asks owns nothing else
    narrowed = {f"filter {it}": f"{rows} AND ({condition})" for it, condition in endpoint.filters.items()}
    ordered = {f"sort {it}": f"{rows} ORDER BY {by} LIMIT {_PAGE}" for it, by in endpoint.sorts.items()}
    for said, sql in {**narrowed, **ordered}.items():
        try:
            plan = await _plan(connection, sql, person, run=said in ordered)
        except asyncpg.PostgresError as error:
            yield Looked(f"{endpoint.name} {said}", f"{type(error).__name__}: {error}", sql)
            continue
        columns = set(re.findall(r"\w+", sql.removeprefix(rows))) & set(table.columns.keys())
        rest = plan.sorts() if said in ordered else plan.reads_by(columns)
        yield Query(f"{endpoint.name} {said}", plan, (*plan.scans({table.name: owner}), *rest))


async def _plan(connection: Connection, sql: str, person: object, *, run: bool) -> Plan:
    """Have a query planned whatever is asked for; `run` it to see what it touches."""
    values = f"'{person}'" + (", NULL" if "$2" in sql else "")
    async with connection.transaction():
        await connection.fetch(f"PREPARE asked AS {sql}", timeout=_PATIENCE_SECONDS)
        plan = await explain(connection, f"EXECUTE asked ({values})", run=run)
        await connection.execute("DEALLOCATE asked")
    return plan
