"""Brings the schema to the newest revision, one starter at a time."""

import functools
from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from todo.database.engine import connect
from todo.database.roles import create_groups, explained_privileges, refuse_old_server
from todo.database.url import DatabaseUrl

if TYPE_CHECKING:
    DriverConnection = asyncpg.Connection[asyncpg.Record]

_LOCK = 7_364_511


def head_revision() -> str:
    """Give the revision this version of the product works with."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations")
    return head


def alembic_config() -> Config:
    """Give Alembic its settings; it has no file of its own."""
    config = Config()
    config.set_main_option("script_location", str(files("todo.migrations")))
    config.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    return config


async def current_revision(url: DatabaseUrl) -> str | None:
    """Give the revision of a database; None when it is empty. Raises `CannotStart` when out of reach."""
    async with connect(url) as connection:
        if await connection.fetchval("SELECT to_regclass('public.alembic_version') IS NULL"):
            return None
        revision: str | None = await connection.fetchval("SELECT version_num FROM public.alembic_version")
        return revision


async def migrate(url: DatabaseUrl, revision: str = "head") -> None:
    """Upgrade to `revision`; others who start at the same time wait.

    Raises `CannotStart` with the database's reason when refused.
    """
    async with connect(url) as gate:
        await refuse_old_server(gate)
        with explained_privileges(url):
            await create_groups(gate)
            await _run_alone(gate, url, functools.partial(command.upgrade, revision=revision))


async def downgrade(url: DatabaseUrl, revision: str) -> None:
    """Go back to `revision`; `base` empties the schema, todos included."""
    async with connect(url) as gate:
        with explained_privileges(url):
            await _run_alone(gate, url, functools.partial(command.downgrade, revision=revision))


async def _run_alone(gate: "DriverConnection", url: DatabaseUrl, run: Callable[[Config], object]) -> None:
    # A lock of a transaction, not of a session: a pooler would lose track of that.
    async with gate.transaction():
        await gate.fetchval("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await _run_alembic(url, run)


async def draft(url: DatabaseUrl, message: str) -> None:
    """Write a new revision that brings a database at the newest one to the tables in code."""
    await _run_alembic(
        url, lambda config: command.revision(config, message=message, autogenerate=True, rev_id=_next_id())
    )


async def find_drift(url: DatabaseUrl) -> None:
    """Raise Alembic's `CommandError` when the tables in code differ from the database."""
    await _run_alembic(url, command.check)


def _next_id() -> str:
    return f"{int(head_revision()) + 1:04}"


async def _run_alembic(url: DatabaseUrl, run: Callable[[Config], object]) -> None:
    async def open_connection() -> "DriverConnection":
        return await asyncpg.connect(url.for_driver(), statement_cache_size=0)

    def run_on(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        run(config)

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=open_connection, poolclass=pool.NullPool
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run_on)
    finally:
        await engine.dispose()
