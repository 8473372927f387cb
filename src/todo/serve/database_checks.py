"""What an operator would ask first about the database."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

from todo.database.engine import READS_PER_WORKER, WRITES_PER_WORKER, Connection, connect
from todo.database.pooler import refuse_unnamed_pooler
from todo.database.roles import refuse_unbound_role, refuse_unfit_server
from todo.database.url import DatabaseUrl
from todo.migrations.runner import head_revision, refuse_other_schema
from todo.problems import CannotStart
from todo.serve.finding import Finding, Noteworthy, look
from todo.serve.product import app_url, secret_of
from todo.settings import Settings

_AUTH_SERVER_CONNECTIONS = 8
_LISTENERS_PER_WORKER = 1
# Access tokens are good for ten minutes, and thirty seconds of difference are forgiven.
_LARGEST_CLOCK_DIFFERENCE_SECONDS = 5.0
_SECURE = ("fsync", "full_page_writes", "synchronous_commit")

# Connections for everybody, for this role and in this database; the latter two are -1 for no limit.
_ROOM = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
       - COALESCE(current_setting('reserved_connections', true)::int, 0) AS of_server,
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = $1) AS of_role,
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS of_database
"""


def examine_database(settings: Settings, url: DatabaseUrl) -> Iterator[Finding]:
    """Give one finding after the other about a database that can be reached."""
    yield look("Database", _on(url, _is_sound, url))
    yield look("Durability", _on(url, _keeps_what_it_acknowledged))
    yield look("Schema", lambda: asyncio.run(_schema_is_current(url)))
    yield look("Isolation", lambda: asyncio.run(_role_is_bound(settings, url)))
    yield look("Connections", _on(url, _has_room, settings, app_url(settings, url, secret_of(settings))))
    yield look("Clock", _on(url, _agrees_on_the_time))
    if settings.database_url:
        yield look("Encryption", _on(url, _is_encrypted, url))


def _on(url: DatabaseUrl, check: Callable[..., Awaitable[str]], *arguments: object) -> Callable[[], str]:
    async def connected() -> str:
        async with connect(url) as connection:
            return await check(connection, *arguments)

    return lambda: asyncio.run(connected())


async def _is_sound(connection: Connection, url: DatabaseUrl) -> str:
    await refuse_unfit_server(connection)
    return f"PostgreSQL {await connection.fetchval('SHOW server_version')} at {url.without_password}"


async def _keeps_what_it_acknowledged(connection: Connection) -> str:
    await refuse_unfit_server(connection)
    settings = {name: await connection.fetchval(f"SHOW {name}") for name in _SECURE}
    return ", ".join(f"{name} = {value}" for name, value in settings.items())


async def _schema_is_current(url: DatabaseUrl) -> str:
    await refuse_other_schema(url)
    return f"revision {head_revision()}"


async def _role_is_bound(settings: Settings, url: DatabaseUrl) -> str:
    bound = app_url(settings, url, secret_of(settings))
    await refuse_unbound_role(bound)
    return f"{bound.user} sees one person's rows at a time"


async def _has_room(connection: Connection, settings: Settings, bound: DatabaseUrl) -> str:
    pipelines = 0 if bound.is_pooled else READS_PER_WORKER + WRITES_PER_WORKER
    of_workers = settings.workers * (settings.pool_size + pipelines + _LISTENERS_PER_WORKER)
    needed = of_workers + (_AUTH_SERVER_CONNECTIONS if settings.runs_auth_server else 0)
    await refuse_unnamed_pooler(bound)
    if bound.is_pooled:
        raise Noteworthy(
            f"The address leads to a pooler, which must let in {needed} clients; through it no statement is "
            "kept prepared, which costs some speed: with few hosts, use the direct address."
        )
    row = await connection.fetchrow(_ROOM, bound.user)
    limits = {name: int(value) for name, value in dict(row or {}).items() if value is not None and value >= 0}
    room = min(limits.values())
    if needed > limits["of_server"] or of_workers > room:
        raise CannotStart(
            f"Up to {needed} connections are needed ({of_workers} by workers), the database allows {room}: "
            "lower TODO_WORKERS or TODO_POOL_SIZE, or raise max_connections or the role's limit."
        )
    return f"up to {needed} of the {room} that the database allows"


async def _agrees_on_the_time(connection: Connection) -> str:
    before = datetime.now(UTC)
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    after = datetime.now(UTC)
    # Somewhere in between it was asked; only what lies outside is a difference.
    seconds = max((before - theirs).total_seconds(), (theirs - after).total_seconds(), 0.0)
    if seconds > _LARGEST_CLOCK_DIFFERENCE_SECONDS:
        raise CannotStart(
            f"The clocks of this machine and of the database are {seconds:.0f} s apart, so that tokens count "
            "as expired or not yet valid: keep both by NTP."
        )
    return f"the same as the database's, within {max(seconds, (after - before).total_seconds()):.3f} s"


async def _is_encrypted(connection: Connection, url: DatabaseUrl) -> str:
    # Asked at this end: the server's view ends at a proxy that takes the encryption off.
    link = connection._transport.get_extra_info("ssl_object")  # type: ignore[attr-defined]  # noqa: SLF001  # the driver has no other way
    if link is not None:
        return f"{link.version()} to {url.location}"
    if url.is_on_this_machine:
        return "not needed on this machine"
    raise Noteworthy(
        f"Passwords and todos travel to {url.location} in the clear: add ?sslmode=require to "
        "TODO_DATABASE_URL, or verify-full to be sure of the server as well."
    )
