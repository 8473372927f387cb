"""The databases we promise to work on."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.factories import migrated_database
from todo.database.embedded import EmbeddedPostgres
from todo.database.url import DatabaseUrl

OLDEST = Path(os.environ.get("TEST_POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))


@pytest.fixture(scope="session")
def oldest_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseUrl]:
    """The oldest PostgreSQL we promise to work on."""
    if not (OLDEST / "postgres").exists():
        pytest.skip(f"no PostgreSQL 15 at {OLDEST}: set TEST_POSTGRES_BIN to try it there")
    cluster = tmp_path_factory.mktemp("oldest") / "postgres"
    with EmbeddedPostgres(cluster, OLDEST, locale=["--locale=C.UTF-8"]).running() as url:
        yield url


@pytest.fixture(scope="session", params=["newest", "oldest"])
def each_server(request: pytest.FixtureRequest) -> DatabaseUrl:
    """The newest and the oldest PostgreSQL, one after the other."""
    name = "server" if request.param == "newest" else "oldest_server"
    url: DatabaseUrl = request.getfixturevalue(name)
    return url


@pytest.fixture(scope="session")
async def owner_url(each_server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """A migrated database, as its owner sees it."""
    async with migrated_database(each_server) as url:
        yield url
