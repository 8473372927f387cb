"""The embedded PostgreSQL: ours to start, to take over and to bring back."""

import asyncio
from pathlib import Path

import psutil
import pytest

from todo.database.embedded import EmbeddedPostgres
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart


async def answer(url: DatabaseUrl) -> str:
    """Ask until it answers, which is what a restart asks of us."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with connect(url) as connection:
                    return str(await connection.fetchval("SELECT current_setting('fsync')"))
            except CannotStart:
                continue


def postmaster(cluster: Path) -> psutil.Process:
    return psutil.Process(int((cluster / "postmaster.pid").read_text().splitlines()[0]))


async def test_a_killed_server_is_brought_back(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    with EmbeddedPostgres(cluster).running() as url:
        killed = postmaster(cluster)
        killed.kill()
        psutil.wait_procs([killed], timeout=10)

        assert await answer(url) == "on"


async def test_its_few_checkpoints_hold_in_a_folder_that_says_otherwise_too(
    tmp_path: Path,
) -> None:
    cluster = tmp_path / "postgres"
    with EmbeddedPostgres(cluster).running() as url:
        async with connect(url) as connection:
            for change in ("max_wal_size = '64MB'", "checkpoint_timeout = '1min'"):
                await connection.execute(f"ALTER SYSTEM SET {change}")

    with EmbeddedPostgres(cluster).running() as url:
        async with connect(url) as connection:
            rows = await connection.fetch("SELECT name, current_setting(name) AS value FROM pg_settings")
    settings = {row["name"]: row["value"] for row in rows}

    assert (settings["max_wal_size"], settings["checkpoint_timeout"]) == ("2GB", "15min")
    assert {settings[name] for name in ("fsync", "full_page_writes", "synchronous_commit")} == {"on"}


async def test_a_server_left_running_is_taken_over_and_stopped_at_the_end(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    left = EmbeddedPostgres(cluster)
    left.start()
    process = postmaster(cluster)

    with EmbeddedPostgres(cluster).running() as url:
        assert postmaster(cluster) == process
        assert await answer(url) == "on"

    assert not left.is_running()


async def test_a_pid_file_of_another_program_does_not_stop_the_start(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    with EmbeddedPostgres(cluster).running():
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    (cluster / "postmaster.pid").write_text("\n".join([str(psutil.Process().pid), *lines[1:]]) + "\n")

    with EmbeddedPostgres(cluster).running() as url:
        assert await answer(url) == "on"


async def test_a_data_folder_with_a_long_name_works(tmp_path: Path) -> None:
    cluster = tmp_path / ("long" * 30) / "postgres"
    cluster.parent.mkdir()

    with EmbeddedPostgres(cluster).running() as url:
        assert await answer(url) == "on"


async def test_half_made_data_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new/PG_VERSION").write_text("18\n")

    with EmbeddedPostgres(tmp_path / "postgres").running() as url:
        assert await answer(url) == "on"


@pytest.mark.parametrize("name", ["o'brien", "a,b", "a$HOME", 'a"b', "a b", "ü"])
async def test_a_data_folder_of_any_name_works(tmp_path: Path, name: str) -> None:
    cluster = tmp_path / name / "postgres"
    cluster.parent.mkdir()

    with EmbeddedPostgres(cluster).running() as url:
        assert await answer(url) == "on"


async def test_a_server_left_running_is_found_by_another_name_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "data")
    EmbeddedPostgres(tmp_path / "data/postgres").start()
    process = postmaster(tmp_path / "data/postgres")

    with EmbeddedPostgres(tmp_path / "alias/postgres").running():
        assert postmaster(tmp_path / "data/postgres") == process


async def test_a_server_still_recovering_from_a_crash_is_waited_for(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    crashed = EmbeddedPostgres(cluster)
    crashed.start()
    async with connect(crashed.url) as connection:
        await connection.execute(
            "CREATE TABLE junk AS SELECT repeat('x', 500) FROM generate_series(1, 200000)"
        )
    dead = [postmaster(cluster), *postmaster(cluster).children(recursive=True)]
    for process in dead:
        process.kill()
    psutil.wait_procs(dead, timeout=10)

    with EmbeddedPostgres(cluster).running() as url, EmbeddedPostgres(cluster).running():
        assert await answer(url) == "on"
