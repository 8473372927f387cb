"""Rows enough to judge plans by: what the probes made, many times over, for a few heavy owners.

On empty tables all plans cost the same and the planner's word is worth nothing.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from todo.architect.model import SchemaDesign, Table
from todo.database.engine import Connection

ROWS_PER_OWNER = 1_000
_VARIED = ("text", "uuid", "timestamptz")


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
    columns = [column for column in table.columns if not column.computed]
    values = []
    for column in columns:
        name = f'"{column.name}"'
        if column.name == table.owner:
            values.append("$1::uuid")
        elif column.type == "uuid" and column.name in unique:
            values.append("gen_random_uuid()")
        elif column.type in {"bigint", "integer"} and column.name in unique:
            values.append("1000000 + n")
        elif column.type == "bytea" and column.name in unique:
            values.append("sha256(n::text::bytea)")
        elif column.type == "timestamptz":
            values.append(f"{name} - n * interval '1 minute'")
        elif column.type == "text" and not column.values and (vary_texts or column.name in unique):
            values.append(f"left({name}, 20) || ' ' || n")
        else:
            values.append(name)
    names = ", ".join(f'"{column.name}"' for column in columns)
    made = f'FROM "{table.name}" WHERE "{table.owner}" <> $1::uuid LIMIT 200'
    source = f"(SELECT *, row_number() OVER () - 1 AS place, count(*) OVER () AS many {made}) AS made"
    target = f'INSERT INTO "{table.name}" ({names})'
    rows = f"generate_series(1, {ROWS_PER_OWNER}) AS n JOIN {source} ON place = n % least(many, 200)"
    return f"{target} SELECT {', '.join(values)} FROM {rows}"  # noqa: S608  # the catalogue's own names
