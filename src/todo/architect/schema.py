"""The schema as the database has it: of the running system, and of what a proposal makes of that."""

import functools
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from todo.architect.design import Change
from todo.database.engine import Connection, dial
from todo.database.url import DatabaseUrl

Schema = dict[str, sa.Table]
# Whose a row is: as row-level security has it, where that shows and takes the caller's rows and no other.
_OWNERS = r"""
SELECT tablename, min(substring(coalesce(qual, with_check) FROM '\w+'))
  FROM pg_policies JOIN pg_class ON oid = format('%I.%I', schemaname, tablename)::regclass
 WHERE schemaname = 'public' AND relrowsecurity
 GROUP BY tablename
HAVING bool_and(coalesce(qual, with_check) = coalesce(with_check, qual) AND coalesce(qual, with_check)
    ~ '^\(\w+ = \(NULLIF\(current_setting\(''app\.user_id''::text, true\), ''''::text\)\)::uuid\)$')
"""
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_LONGEST = re.compile(r"char_length\((\w+)\) <= (\d+)")
_SHORT = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp"}
_KEYS = (sa.PrimaryKeyConstraint, sa.UniqueConstraint)
_ROWS_PER_OWNER = 1_000
# What tells rows apart, by type; other columns are as the probes made them.
_NUMBERED = {
    "uuid": "gen_random_uuid()",
    "bigint": "1000000 + n",
    "integer": "1000000 + n",
    "bytea": "sha256(n::text::bytea)",
    "text": "'row ' || n",
}


@asynccontextmanager
async def opened(url: DatabaseUrl) -> AsyncIterator[AsyncConnection]:
    """Open a connection that SQLAlchemy can look through; what is not committed is rolled back."""
    dialling = functools.partial(dial, url)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=dialling, poolclass=sa.NullPool)
    async with engine.connect() as connection:
        yield connection


def reflected(connection: sa.Connection) -> Schema:
    """Give every table of ours; `info` says the owner of its rows, and what its columns are held to."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    owners: dict[str, str] = dict(connection.exec_driver_sql(_OWNERS).all())
    for table in metadata.tables.values():
        table.info["owner"] = owners.get(table.name)
        for column in table.columns:
            column.info["longest"] = getattr(column.type, "length", None)
        checks = (str(one.sqltext) for one in table.constraints if isinstance(one, sa.CheckConstraint))
        for name, most in _LONGEST.findall(" ".join(checks)):
            table.columns[name].info["longest"] = int(most)
    return {name: metadata.tables[name] for name in sorted(metadata.tables) if name != "alembic_version"}


def statements_of(schema: Schema) -> list[Change]:
    """Give the tables as the statements that make them."""
    made: list[tuple[str, ExecutableDDLElement]] = []
    for name, table in schema.items():
        made += [(name, CreateTable(table)), *((name, CreateIndex(index)) for index in table.indexes)]
    return [Change(table=name, sql=str(one.compile(dialect=_DIALECT)).strip()) for name, one in made]


def quoted(name: str) -> str:
    """Give a name as a statement has it."""
    return '"' + name.replace('"', '""') + '"'


def kind(column: sa.Column[Any]) -> str:
    """Give the type of a column in PostgreSQL's shorter words."""
    if isinstance(column.type, sa.types.NullType):
        return "another type"
    name = column.type.compile(dialect=_DIALECT).lower().partition(" collate ")[0]
    return _SHORT.get(name, name)


def shown(index: sa.Index) -> list[str]:
    """Give the columns of an index as it has them, order included."""
    return [str(column).rpartition(".")[2] for column in index.expressions]


def rows_of(index: sa.Index) -> str:
    """Give the condition of the rows that an index is of; empty where it is of all."""
    where = index.dialect_options["postgresql"]["where"]
    return "" if where is None else str(where)


def unique_columns(table: sa.Table) -> set[str]:
    """Give the columns of the keys that tell one row from another."""
    return {column.name for key in table.constraints if isinstance(key, _KEYS) for column in key.columns}


def has_key(table: sa.Table, columns: Sequence[str]) -> bool:
    """Whether an index of all its rows begins with these columns, in whatever order."""
    keys = [one.columns.keys() for one in table.constraints if isinstance(one, _KEYS)]
    keys += [index.columns.keys() for index in table.indexes if not rows_of(index)]
    return any(set(key[: len(columns)]) == set(columns) for key in keys)


async def multiply(connection: Connection, schema: Schema, owners: Sequence[UUID]) -> None:
    """Give each of these people many rows in every owned table; then let the planner look.

    On empty tables all plans cost the same and the planner's word is worth nothing.
    """
    # A person has one row in a table that has the person for its key.
    for table in (one for one in schema.values() if one.info["owner"] and len(one.primary_key.columns) > 1):
        for owner in owners:
            # What a constraint keeps few stays few.
            with suppress(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(_copies(table), owner)
    await connection.execute("ANALYZE")


def _copies(table: sa.Table) -> str:
    owner, unique, values = table.info["owner"], unique_columns(table), dict[str, str]()
    for column in (one for one in table.columns if one.computed is None):
        value = name = quoted(column.name)
        if column.name == owner:
            value = "$1::uuid"
        elif kind(column) == "timestamptz":
            value = f"{name} - n * interval '1 minute'"
        elif column.name in unique:
            value = _NUMBERED.get(kind(column), name)
        values[name] = value
    made = f"FROM {quoted(table.name)} WHERE {quoted(owner)} <> $1::uuid LIMIT 200"
    source = f"(SELECT *, row_number() OVER () - 1 AS place, count(*) OVER () AS many {made}) AS made"
    rows = f"generate_series(1, {_ROWS_PER_OWNER}) AS n JOIN {source} ON place = n % least(many, 200)"
    names, chosen = ", ".join(values), ", ".join(values.values())
    return f"INSERT INTO {quoted(table.name)} ({names}) SELECT {chosen} FROM {rows}"  # noqa: S608  # the catalogue's own names
