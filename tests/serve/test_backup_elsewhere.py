"""Backups of a PostgreSQL that somebody else runs, and that lets nobody in without TLS."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from tests.database.conftest import OLDEST
from tests.e2e.postgres import OWNER_PASSWORD, database_of_its_own, foreign_postgres, over_tls_alone
from tests.factories import SECRET
from todo.database.engine import connect
from todo.database.roles import create_logins
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, migrate
from todo.problems import CannotStart
from todo.serve.backup import back_up
from todo.serve.backup_file import open_backup
from todo.serve.restore import load

FILL = "INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 10)"
DUMPING = """
SELECT pid, ssl, wait_event_type = 'Lock' AS is_waiting
  FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE application_name = 'pg_dump'
"""


pytestmark = pytest.mark.skipif(
    not (OLDEST / "postgres").exists(), reason=f"no PostgreSQL 15 at {OLDEST}: set TEST_POSTGRES_BIN"
)


@pytest.fixture(scope="module")
async def strict_server(
    server: DatabaseUrl, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DatabaseUrl]:
    """The superuser of a server that speaks TLS; the one we embed does not."""
    assert server.user, "its start has made the account that PostgreSQL runs as"
    folder = tmp_path_factory.mktemp("strict")
    with foreign_postgres(OLDEST, folder) as url:
        yield await over_tls_alone(url, folder / "cluster")


@pytest.fixture
async def hosted(strict_server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """A prepared database there, owned by a role that is no superuser."""
    async with database_of_its_own(strict_server) as url:
        owner = DatabaseUrl(url.user, url.password, url.location, url.database, strict_server.parameters)
        async with alone(owner) as gate:
            await migrate(owner, gate)
            await create_logins(gate, owner, SECRET)
        async with connect(owner) as connection:
            await connection.execute(FILL)
        yield owner


async def test_a_backup_goes_over_tls_and_its_password_over_no_command_line(
    strict_server: DatabaseUrl, hosted: DatabaseUrl, tmp_path: Path
) -> None:
    async with connect(hosted) as owner, connect(strict_server) as superuser:
        # pg_dump waits for it, and the count of rows does not.
        await owner.execute("CREATE TABLE divided (id int) PARTITION BY RANGE (id)")
        await owner.execute("BEGIN; LOCK TABLE divided")
        backing_up = asyncio.create_task(back_up(hosted, SECRET, tmp_path / "hosted.tar", with_secret=False))
        async with asyncio.timeout(20):
            while (dumping := await superuser.fetchrow(DUMPING)) is None or not dumping["is_waiting"]:
                pass
        family = [" ".join(process.cmdline()) for process in psutil.Process().children()]
        await owner.execute("COMMIT")
        manifest = await backing_up

    assert dumping["ssl"] is True
    assert any("pg_dump" in command for command in family)
    assert not any(
        word in command for command in family for word in (OWNER_PASSWORD, quote(OWNER_PASSWORD, ""))
    )
    assert manifest.tables["public.users"].rows == 10


async def test_a_backup_is_restored_into_another_hosted_database(hosted: DatabaseUrl, tmp_path: Path) -> None:
    file = tmp_path / "hosted.tar"
    await back_up(hosted, SECRET, file, with_secret=False)
    name = f"{hosted.database}_again"
    async with connect(hosted) as owner:
        await owner.execute(f"CREATE DATABASE {name}")
    again = DatabaseUrl(hosted.user, hosted.password, hosted.location, name, hosted.parameters)

    with open_backup(file) as backup:
        await load(again, SECRET, backup, None)

    async with connect(again) as owner:
        assert await owner.fetchval("SELECT count(*) FROM users") == 10


async def test_a_server_that_cannot_prove_its_name_gets_no_password(
    hosted: DatabaseUrl, tmp_path: Path
) -> None:
    elsewhere = hosted.location.replace("127.0.0.1", "localhost")
    impostor = DatabaseUrl(hosted.user, hosted.password, elsewhere, hosted.database, hosted.parameters)

    with pytest.raises(CannotStart, match="certificate"):
        await back_up(impostor, SECRET, tmp_path / "none.tar", with_secret=False)
