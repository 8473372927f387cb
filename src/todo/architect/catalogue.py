"""The schema as the database has it, as a design."""

import functools
import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import create_async_engine

from todo.architect.design import Column, ForeignKey, Index, SchemaDesign, Table
from todo.database.engine import dial
from todo.database.url import DatabaseUrl

# Whose a row is, as row-level security has it.
_OWNERS = r"""
SELECT tablename, substring(qual FROM '\((\w+) = \(NULLIF\(current_setting\(''app\.user_id''')
  FROM pg_policies WHERE qual ~ 'app\.user_id'
"""
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_LONGEST = re.compile(r"char_length\((\w+)\) <= (\d+)")
_ONE_OF = re.compile(r"\(?(\w+) = ANY \(ARRAY\[(.+?)\]\)")
_SHORT = {"timestamp with time zone": "timestamptz", "timestamp without time zone": "timestamp"}


async def read_schema(url: DatabaseUrl) -> SchemaDesign:
    """Give every table of ours."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=functools.partial(dial, url), poolclass=sa.NullPool
    )
    async with engine.connect() as connection:
        return await connection.run_sync(_schema)


def _schema(connection: sa.Connection) -> SchemaDesign:
    found = sa.inspect(connection)
    owners: dict[str, str] = dict(connection.exec_driver_sql(_OWNERS).all())
    names = sorted(name for name in found.get_table_names() if name != "alembic_version")
    return SchemaDesign(tables=[_table(found, name, owners.get(name)) for name in names])


def _table(found: sa.Inspector, name: str, owner: str | None) -> Table:
    checks = " ".join(check["sqltext"] for check in found.get_check_constraints(name))
    longest = {column: int(most) for column, most in _LONGEST.findall(checks)}
    values = {column: re.findall(r"'([^']*)'", listed) for column, listed in _ONE_OF.findall(checks)}

    def column(one: Any) -> Column:
        kind = one["type"].compile(dialect=_DIALECT).lower().partition(" collate ")[0]
        return Column(
            name=one["name"],
            type=_SHORT.get(kind, kind),
            nullable=one["nullable"],
            default=one["default"],
            computed="computed" in one,
            max_length=longest.get(one["name"]),
            values=values.get(one["name"]),
        )

    return Table(
        name=name,
        columns=[column(one) for one in found.get_columns(name)],
        primary_key=found.get_pk_constraint(name)["constrained_columns"],
        unique=[one["column_names"] for one in found.get_unique_constraints(name)],
        foreign_keys=[
            ForeignKey.model_validate({
                "columns": one["constrained_columns"], "table": one["referred_table"],
                "references": one["referred_columns"], "on_delete": one["options"].get("ondelete"),
            })
            for one in found.get_foreign_keys(name)
        ],
        indexes=[_index(one) for one in found.get_indexes(name) if "duplicates_constraint" not in one],
        owner=owner,
    )  # fmt: skip


def _index(one: Any) -> Index:
    options, sorting = one.get("dialect_options", {}), one.get("column_sorting", {})
    columns = one.get("expressions", one["column_names"])
    return Index(
        name=one["name"],
        columns=[f"{it} DESC" if "desc" in sorting.get(it, ()) else it for it in columns],
        unique=one["unique"],
        method=options.get("postgresql_using", "btree"),
        predicate=options.get("postgresql_where"),
    )
