"""Poolers: whether one stands in between that nobody has told us of."""

import asyncio

import asyncpg

from todo.database.engine import Connection, connect
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

_PATIENCE_SECONDS = 2.0


async def refuse_unnamed_pooler(url: DatabaseUrl) -> None:
    """Raise `CannotStart` when the address leads to a transaction pooler and does not say so.

    Statements would be kept prepared in a process of PostgreSQL that the next transaction may not meet again.
    """
    if not url.is_pooled and await _changes_processes(url):
        raise CannotStart(
            f"{url.without_password} is a pooler that hands connections round: set TODO_DATABASE_URL to the "
            "server's own address and TODO_APP_DATABASE_URL to the pooler's, with ?pgbouncer=true."
        )


async def _changes_processes(url: DatabaseUrl) -> bool:
    async with connect(url) as connection, connect(url) as other:
        before = await _process_of(connection)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), other.transaction():
                # Holds the process that was free, so that the first connection is given another or waits.
                await other.execute("SELECT")
                return before != await _process_of(connection)
        except (TimeoutError, asyncpg.QueryCanceledError):
            return True


async def _process_of(connection: Connection) -> int:
    async with connection.transaction():
        return int(await connection.fetchval("SELECT pg_backend_pid()"))
