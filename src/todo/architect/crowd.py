"""Rows enough to judge plans by: what the probes made, many times over, for a few heavy owners.

On empty tables all plans cost the same and the planner's word is worth nothing.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from todo.architect.ddl import quoted
from todo.architect.model import Column, SchemaDesign, Table
from todo.database.engine import Connection

ROWS_PER_OWNER = 1_000
# What tells rows apart, by type; other columns are as the probes made them.
_NUMBERED = {
    "uuid": "gen_random_uuid()",
    "bigint": "1000000 + n",
    "integer": "1000000 + n",
    "bytea": "sha256(n::text::bytea)",
}


async def multiply(connection: Connection, schema: SchemaDesign, owners: Sequence[UUID]) -> None:
    """Give each of these people many rows in every owned table; then let the planner look."""
    for table in schema.tables:
        if table.owner is None or table.owner in table.primary_key[1:] or len(table.primary_key) < 2:  # noqa: PLR2004  # a person has many of them
            continue
        for owner in owners:
            await _fill(connection, table, owner)
    await connection.execute("ANALYZE")


async def _fill(connection: Connection, table: Table, owner: UUID) -> None:
    # Texts that may vary do; where a constraint forbids it, they are as the probes made them.
    for vary_texts in (True, False):
        try:
            async with connection.transaction():
                await connection.execute(_copies(table, vary_texts=vary_texts), owner)
        except (asyncpg.CheckViolationError, asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError):
            continue
        return


def _copies(table: Table, *, vary_texts: bool) -> str:
    unique = {name for key in [table.primary_key, *table.unique] for name in key}

    def value(column: Column) -> str:
        name, is_unique = quoted(column.name), column.name in unique
        if column.name == table.owner:
            return "$1::uuid"
        if is_unique and column.type in _NUMBERED:
            return _NUMBERED[column.type]
        if column.type == "timestamptz":
            return f"{name} - n * interval '1 minute'"
        if column.type == "text" and not column.values and (vary_texts or is_unique):
            return f"left({name}, 20) || ' ' || n"
        return name

    columns = [column for column in table.columns if not column.computed]
    names = ", ".join(quoted(column.name) for column in columns)
    made = f"FROM {quoted(table.name)} WHERE {quoted(table.owner or '')} <> $1::uuid LIMIT 200"
    source = f"(SELECT *, row_number() OVER () - 1 AS place, count(*) OVER () AS many {made}) AS made"
    rows = f"generate_series(1, {ROWS_PER_OWNER}) AS n JOIN {source} ON place = n % least(many, 200)"
    values = ", ".join(map(value, columns))
    return f"INSERT INTO {quoted(table.name)} ({names}) SELECT {values} FROM {rows}"  # noqa: S608  # the catalogue's own names
