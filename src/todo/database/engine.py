"""Connections: the pool a worker serves from, and the single one that commands use."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg

from todo.database.pipelines import Pipelines
from todo.database.pool import Connection, Pool
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

__all__ = ["READS_PER_WORKER", "Connection", "connect", "dial", "open_pool", "open_reads"]

# One does nearly always: another is opened where those there are have been busy with one thing for long.
READS_PER_WORKER = 4
_LONG_SECONDS = 0.01
_CONNECT_TIMEOUT_SECONDS = 10.0
_COMMAND_TIMEOUT_SECONDS = 10.0


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


@asynccontextmanager
async def open_reads(
    url: DatabaseUrl, on_change: Callable[[int], None] = lambda _open: None
) -> AsyncIterator[Pipelines | None]:
    """Open connections for questions of one statement each; None behind a pooler, which would divide them."""
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
        return Pipeline(connection)

    async with Pipelines(
        dial, size=READS_PER_WORKER, long_seconds=_LONG_SECONDS, on_change=on_change
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
