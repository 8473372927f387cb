"""Rows enough to judge plans by: what the probes made is multiplied for a few heavy owners.

On empty tables all plans cost the same and the planner's word is worth nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from todo.architect.catalogue import Schema, kind, quoted, unique_columns
from todo.database.engine import Connection

_ROWS_PER_OWNER = 1_000
# What tells rows apart, by type; other columns are as the probes made them.
_NUMBERED = {
    "uuid": "gen_random_uuid()",
    "bigint": "1000000 + n",
    "integer": "1000000 + n",
    "bytea": "sha256(n::text::bytea)",
    "text": "'row ' || n",
}


async def multiply(connection: Connection, schema: Schema, owners: Sequence[UUID]) -> None:
    """Give each of these people many rows in every owned table; then let the planner look."""
    # A person has one row in a table that has the person for its key.
    for table in (one for one in schema.values() if one.info["owner"] and len(one.primary_key.columns) > 1):
        for owner in owners:
            # What a constraint keeps few stays few.
            with suppress(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(_copies(table), owner)
    await connection.execute("ANALYZE")


def _copies(table: sa.Table) -> str:
    owner, unique = table.info["owner"], unique_columns(table)

    def value(column: sa.Column[Any]) -> str:
        name = quoted(column.name)
        if column.name == owner:
            return "$1::uuid"
        if kind(column) == "timestamptz":
            return f"{name} - n * interval '1 minute'"
        return _NUMBERED.get(kind(column), name) if column.name in unique else name

    columns = [column for column in table.columns if column.computed is None]
    names, values = ", ".join(quoted(column.name) for column in columns), ", ".join(map(value, columns))
    made = f"FROM {quoted(table.name)} WHERE {quoted(owner)} <> $1::uuid LIMIT 200"
    source = f"(SELECT *, row_number() OVER () - 1 AS place, count(*) OVER () AS many {made}) AS made"
    rows = f"generate_series(1, {_ROWS_PER_OWNER}) AS n JOIN {source} ON place = n % least(many, 200)"
    return f"INSERT INTO {quoted(table.name)} ({names}) SELECT {values} FROM {rows}"  # noqa: S608  # the catalogue's own names
