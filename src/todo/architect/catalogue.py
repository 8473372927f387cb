"""The schema as the database has it: of the running system, and of what a proposal makes of that."""

import functools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from todo.architect.design import Change
from todo.database.engine import dial
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


@asynccontextmanager
async def opened(url: DatabaseUrl) -> AsyncIterator[AsyncConnection]:
    """Open a connection that SQLAlchemy can look through; what is not committed is rolled back."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=functools.partial(dial, url), poolclass=sa.NullPool
    )
    async with engine.connect() as connection:
        yield connection


async def read_schema(connection: AsyncConnection) -> Schema:
    """Give every table of ours; `info` says the owner of its rows, and what its columns are held to."""
    return await connection.run_sync(_reflected)


def _reflected(connection: sa.Connection) -> Schema:
    metadata = sa.MetaData()
    metadata.reflect(connection)
    owners: dict[str, str] = dict(connection.exec_driver_sql(_OWNERS).all())
    for table in metadata.tables.values():
        table.info["owner"] = owners.get(table.name)
        checks = " ".join(
            str(one.sqltext) for one in table.constraints if isinstance(one, sa.CheckConstraint)
        )
        for column in table.columns:
            column.info["longest"] = getattr(column.type, "length", None)
        for name, most in _LONGEST.findall(checks):
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


def rows_of(index: sa.Index) -> str:
    """Give the condition of the rows that an index is of; empty where it is of all."""
    where = index.dialect_options["postgresql"]["where"]
    return "" if where is None else str(where)


def unique_columns(table: sa.Table) -> set[str]:
    """Give the columns of the keys that tell one row from another."""
    return {name for key in _keys(table) for name in key}


def has_key(table: sa.Table, columns: list[str]) -> bool:
    """Whether an index of all its rows begins with these columns, in whatever order."""
    whole = [index.columns.keys() for index in table.indexes if not rows_of(index)]
    return any(set(key[: len(columns)]) == set(columns) for key in [*_keys(table), *whole])


def _keys(table: sa.Table) -> list[list[str]]:
    kinds = (sa.PrimaryKeyConstraint, sa.UniqueConstraint)
    return [one.columns.keys() for one in table.constraints if isinstance(one, kinds)]
