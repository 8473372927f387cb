"""Tries a proposal on a scratch database: its statements run, its queries are planned, and all is undone."""

import re
from typing import Any

import asyncpg
import sqlalchemy as sa

from todo.architect.design import FROM_LEAST_TO_MOST, Change, Design, Endpoint, Migration
from todo.architect.planner import be_strict, explain
from todo.architect.schema import Schema, kind, opened, quoted, reflected, shown
from todo.architect.scratch import designer_of, refuse_unmarked
from todo.architect.verdict import Seen
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
_GENTLE: tuple[Migration, ...] = ("none", "expand")


async def dry_run(
    url: DatabaseUrl, proposal: Design, whole: Design, before: Schema
) -> tuple[Schema, list[Seen]]:
    """Run the statements as one who can reach the scratch tables alone; plan every filter and order.

    Gives the schema as it is then, and what was seen on the way.
    """
    async with opened(designer_of(url)) as undone:
        # This begins the transaction that nobody commits.
        await undone.exec_driver_sql("SELECT 1")
        connection: Any = (await undone.get_raw_connection()).driver_connection
        await refuse_unmarked(connection)
        await connection.execute(_BOUNDS)
        trial = _Trial(connection, proposal.db.migration)
        for change in proposal.db.changes:
            await trial.run(change)
        schema = await undone.run_sync(reflected)
        # SQLAlchemy has JSON read in its own way; plans are read in ours.
        await connection.reset_type_codec("json", schema="pg_catalog")
        for name in sorted(schema.keys() - before.keys()):
            await connection.execute(f"ANALYZE {quoted(name)}")
        await be_strict(connection)
        for endpoint in whole.api.endpoints:
            if endpoint.listing and proposal.endpoint(endpoint.name) and endpoint.table in schema:
                await trial.ask(endpoint, schema[endpoint.table])
    for name, table in schema.items():
        trial.weigh(name, *_change_of(table, before.get(name)))
        trial.look_for_needless(table, before.get(name))
    return schema, trial.seen


class _Trial:
    """One proposal in its transaction, and what was seen of it."""

    def __init__(self, connection: Connection, declared: Migration) -> None:
        self._connection = connection
        self._declared = declared
        self._used: set[str] = set()
        self.seen: list[Seen] = []

    async def run(self, change: Change) -> None:
        """Run a statement, and see what it means for the rows that are there."""
        is_update, fault, rows = change.sql.upper().startswith("UPDATE"), "", ""
        try:
            if not _ALLOWED.match(change.sql):
                raise asyncpg.SyntaxOrAccessError(_REFUSED)
            async with self._connection.transaction():
                # Not `execute`, which would take several statements.
                await self._connection.fetch(change.sql, timeout=_PATIENCE_SECONDS)
                if is_update:
                    await self._connection.execute(_REWRITE.format(quoted(change.table)))
                    rows = "rows that are there change"
        except (asyncpg.PostgresError, TimeoutError) as error:
            fault = f"{type(error).__name__}: {error}"
            # Until it is declared as that, it is a migration that is harder than it says.
            if isinstance(error, asyncpg.IntegrityConstraintViolationError) and self._declared in _GENTLE:
                fault, rows = "", f"rows that are there are in the way: {error}"
        name = " ".join(change.sql.partition("(")[0].split())
        self.seen.append(Seen("DRY-1", name, fault, change.sql))
        if rows:
            self.weigh(change.table, "transform", rows, change.sql)

    def weigh(self, table: str, needed: Migration, why: str, evidence: str = "") -> None:
        """Compare how hard a change is with what is declared, and with what needs no decision."""
        weight = FROM_LEAST_TO_MOST.index
        for rule, most in (("MIG-1", self._declared), ("MIG-2", _GENTLE[-1])):
            said = f"is {needed}, which is more than {most}: {why}"
            self.seen.append(Seen(rule, table, said if weight(needed) > weight(most) else "", evidence))

    async def ask(self, endpoint: Endpoint, table: sa.Table) -> None:
        """Plan a list as it is narrowed by each filter, and as it comes in each order."""
        if not (owner := table.info["owner"]):
            return
        name = quoted(table.name)
        heaviest = f"SELECT {quoted(owner)} FROM {name} GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"  # noqa: S608  # quoted names
        person = await self._connection.fetchval(heaviest)
        if person is None:
            fault = "has no rows to plan on: add an INSERT of some hundred for each person"
            self.seen.append(Seen("DRY-1", table.name, fault))
            return
        rows = f"SELECT * FROM {name} WHERE {quoted(owner)} = $1 AND ({endpoint.where})"  # noqa: S608  # who asks owns nothing else
        asked = {f"filter {it}": f" AND ({condition})" for it, condition in endpoint.filters.items()}
        asked |= {f"sort {it}": f" ORDER BY {by} LIMIT {_PAGE}" for it, by in endpoint.sorts.items()}
        for said, end in asked.items():
            is_order, where = said.startswith("sort"), f"{endpoint.name} {said}"
            values = f"'{person}'" + (", NULL" if "$2" in end else "")
            try:
                async with self._connection.transaction():
                    # Not `execute`, as above.
                    await self._connection.fetch(f"PREPARE asked AS {rows}{end}", timeout=_PATIENCE_SECONDS)
                    plan = await explain(self._connection, f"EXECUTE asked ({values})", run=is_order)
                    await self._connection.execute("DEALLOCATE asked")
            except asyncpg.PostgresError as error:
                self.seen.append(Seen("DRY-1", where, f"{type(error).__name__}: {error}", rows + end))
                continue
            self._used |= plan.indexes
            columns = {*re.findall(r"\w+", end)} & {*table.columns.keys()}
            rest = plan.sorts() if is_order else plan.thrown_away(columns)
            self.seen += plan.judged(where, [*plan.scans({table.name: owner}), *rest])

    def look_for_needless(self, table: sa.Table, before: sa.Table | None) -> None:
        """See which new index serves neither a query nor a reference."""
        # While a list is not served, that is what is to be said; which index then is too much, nobody knows.
        if any(one.rule == "IDX-1" and one.fault for one in self.seen):
            return
        old = set() if before is None else {index.name for index in before.indexes}
        keys = [key.column_keys for key in table.foreign_key_constraints]
        for index in (it for it in table.indexes if it.name not in self._used | old and not it.unique):
            columns = shown(index)
            if not any(columns[: len(key)] == key and key != [table.info["owner"]] for key in keys):
                self.seen.append(Seen("DB-4", table.name, f"no query uses ({', '.join(columns)})"))


def _change_of(table: sa.Table, before: sa.Table | None) -> tuple[Migration, str]:
    """Say what has become of a table, and how hard that is."""
    if before is None:
        return "expand", "a new table"
    if gone := ", ".join(one.name for one in before.columns if one.name not in table.columns):
        return "contract", f"{gone} is gone for what still runs"
    for column in table.columns:
        known = before.columns.get(column.name)
        if known is not None and kind(known) != kind(column):
            return "transform", f"{column.name} changes from {kind(known)} to {kind(column)}"
        was_left_out = column.server_default is None if known is None else known.nullable
        if was_left_out and not column.nullable:
            return "transform", f"{column.name} must be there from now on"
    return ("none", "") if _names(table) == _names(before) else ("expand", "it only adds")


def _names(table: sa.Table) -> set[str]:
    return {str(it.name) for it in [*table.columns, *table.indexes, *table.constraints]}
