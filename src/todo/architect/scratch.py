"""A database to try things on: made for it, marked as such, dropped at the end."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

from todo.database.embedded import EmbeddedPostgres
from todo.database.engine import Connection, connect
from todo.database.roles import create_logins, login_of
from todo.database.scram import scram_verifier
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, migrate
from todo.problems import CannotStart

SECRET = b"the secret of a database that is thrown away"
_MARK = "todo architect: scratch"
_OWNED = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


@contextmanager
def scratch_server() -> Iterator[DatabaseUrl]:
    """Run a PostgreSQL of its own in a temporary folder."""
    with (
        tempfile.TemporaryDirectory(prefix="todo-architect-") as folder,
        EmbeddedPostgres(Path(folder) / "postgres").running() as server,
    ):
        yield server


@asynccontextmanager
async def empty_database(server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """Give a new database on a server, and drop it at the end."""
    name = f"architect_{uuid4().hex[:12]}"
    async with connect(server) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.execute(f"COMMENT ON DATABASE {name} IS '{_MARK}'")
    url = DatabaseUrl(server.user, server.password, server.location, name, server.parameters)
    try:
        yield url
    finally:
        async with connect(server) as connection:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await connection.execute(f'DROP ROLE IF EXISTS "{designer_of(url).user}"')


@asynccontextmanager
async def scratch_database(server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """Give a database with the schema of this version, whose designer owns its tables and no more."""
    async with empty_database(server) as url:
        async with alone(url) as gate:
            await migrate(url, gate)
            await create_logins(gate, url, SECRET)
        async with connect(url) as owner:
            role, secret = designer_of(url).user, scram_verifier(designer_of(url).password)
            await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{secret}'")
            await owner.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
            # A table of its own session would stand before the one that is meant.
            await owner.execute(f"REVOKE TEMPORARY ON DATABASE {url.database} FROM PUBLIC")
            for row in await owner.fetch(_OWNED):
                await owner.execute(f'ALTER TABLE public."{row["relname"]}" OWNER TO {role}')
        yield url


def designer_of(url: DatabaseUrl) -> DatabaseUrl:
    """Give a scratch database as the one sees it who tries designs on it; no other database has this role."""
    return login_of(url.database, url, SECRET)


async def refuse_unmarked(connection: Connection) -> None:
    """Raise `CannotStart` unless the database was made to be thrown away."""
    mark = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
    if await connection.fetchval(mark) != _MARK:
        raise CannotStart("A design is tried on a scratch database only, and this one is not marked as such.")
