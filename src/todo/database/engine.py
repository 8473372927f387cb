"""Connections: the pool a worker serves from, and the single one that commands use."""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import asyncpg

from todo.database.pipelines import Pipelines
from todo.database.pool import Connection, Pool
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

__all__ = [
    "LOCK_SECONDS",
    "READS_PER_WORKER",
    "WRITES_PER_WORKER",
    "Connection",
    "connect",
    "dial",
    "open_pool",
    "open_reads",
    "open_writes",
]

# One does nearly always: another is opened where those there are have been busy with one thing for long.
READS_PER_WORKER = 4
# Few are enough for most, and what one process does after another costs less; but writes wait for the disk,
# and where that is slow, together.
WRITES_PER_WORKER = 8
_WRITES_AT_EASE = 3
_LONG_SECONDS = 0.01
# So long a connection of the pool is waited for, too.
_PATIENCE_SECONDS = 2.0
# How long anybody waits for a lock.
LOCK_SECONDS = 3
# Whoever holds a person's row for longer is waited for elsewhere, for others are behind on the connection.
_LOCK_MILLISECONDS = 20
_CONNECT_TIMEOUT_SECONDS = 10.0
_COMMAND_TIMEOUT_SECONDS = 10.0

OnChange = Callable[[int], None]


def _nobody(_open: int) -> None:
    """Tell nobody how many are open."""


@asynccontextmanager
async def open_pool(url: DatabaseUrl, *, size: int) -> AsyncIterator[Pool]:
    """Open a pool that connects on first use, so that a worker comes up while the database is away."""

    async def dial() -> Connection:
        return await asyncpg.connect(
            url.for_driver(),
            ssl=url.tls_context(),
            statement_cache_size=0 if url.is_pooled else 256,
            timeout=_CONNECT_TIMEOUT_SECONDS,
            command_timeout=_COMMAND_TIMEOUT_SECONDS,
        )

    async with Pool(dial, size=size) as pool:
        yield pool


def open_reads(
    url: DatabaseUrl, on_change: OnChange = _nobody
) -> AbstractAsyncContextManager[Pipelines | None]:
    """Open connections for questions of one statement each; None behind a pooler, which would divide them."""
    return _open_pipelines(
        url, size=READS_PER_WORKER, patience_seconds=_PATIENCE_SECONDS, on_change=on_change
    )


def open_writes(
    url: DatabaseUrl, on_change: OnChange = _nobody
) -> AbstractAsyncContextManager[Pipelines | None]:
    """Open connections for writes of one statement each; None behind a pooler.

    No write is given up before its connection is: what has had no turn may be done yet.
    """
    return _open_pipelines(
        replace(url, parameters=(*url.parameters, ("lock_timeout", str(_LOCK_MILLISECONDS)))),
        size=WRITES_PER_WORKER,
        at_ease=_WRITES_AT_EASE,
        patience_seconds=math.inf,
        on_change=on_change,
    )


@asynccontextmanager
async def _open_pipelines(
    url: DatabaseUrl, *, size: int, patience_seconds: float, on_change: OnChange, at_ease: int = 1
) -> AsyncIterator[Pipelines | None]:
    if url.is_pooled:
        yield None
        return
    import psycopg  # noqa: PLC0415  # takes its time, and commands need it not

    from todo.database.pipeline import Pipeline  # noqa: PLC0415  # the same

    # The plan for anybody serves each: to make one for each question takes longer than to answer it.
    setting = ("plan_cache_mode", "force_generic_plan")
    address = replace(url, parameters=(*url.parameters, setting)).for_libpq()

    async def dial() -> Pipeline:
        try:
            connection = await psycopg.AsyncConnection.connect(
                address,
                autocommit=True,
                connect_timeout=int(_CONNECT_TIMEOUT_SECONDS),
                # Else it is that of the database, or of the environment.
                client_encoding="utf8",
            )
        except psycopg.OperationalError as error:
            raise ConnectionError(str(error)) from error
        return Pipeline(connection, patience_seconds=patience_seconds)

    async with Pipelines(
        dial, size=size, at_ease=at_ease, long_seconds=_LONG_SECONDS, on_change=on_change
    ) as pipelines:
        yield pipelines


@asynccontextmanager
async def connect(url: DatabaseUrl) -> AsyncIterator[Connection]:
    """Open one connection; raises `CannotStart` with the reason in a sentence."""
    connection = await dial(url)
    try:
        yield connection
    finally:
        await connection.close()


async def dial(url: DatabaseUrl) -> Connection:
    """Open one connection, which somebody else closes; raises `CannotStart` with the reason in a sentence."""
    try:
        return await asyncpg.connect(
            url.for_driver(),
            ssl=url.tls_context(),
            timeout=_CONNECT_TIMEOUT_SECONDS,
            statement_cache_size=0,
        )
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise CannotStart(
            f"The database refused the sign-in of {url.without_password}: check user and password."
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise CannotStart(
            f"The database server has no database {url.database!r}: create it first."
        ) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise CannotStart(
            f"Cannot reach the database {url.without_password} ({reason}): "
            "check TODO_DATABASE_URL and that it is running."
        ) from error
