"""The schema changes beside people at work: nobody fails, nobody waits for long."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.e2e.waiting import until
from tests.factories import migrate_only, new_database
from tests.torture.old_release import WRITERS, eight_at_work, install_first_release
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, current_revision, head_revision, migrate
from todo.problems import CannotStart

# On a machine that may be busy with other tests; `make torture` holds it to half a second.
LONGEST_REQUEST_SECONDS = 2.0


@pytest.fixture
async def first_release(each_server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """A database at the oldest schema, with 200 people who have 50 todos each."""
    async with new_database(each_server) as url:
        await install_first_release(url, people=200, todos=50)
        yield url


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, "todo.migrations.patience"):
        yield caplog


async def test_eight_writers_do_not_notice_that_all_of_the_schema_changes(first_release: DatabaseUrl) -> None:
    async with eight_at_work(first_release) as writers:
        await migrate_only(first_release)
        await writers.have_done(WRITERS)

    assert await current_revision(first_release) == head_revision()
    assert max(writers.durations) < LONGEST_REQUEST_SECONDS


async def test_numbers_that_say_they_are_right_are_so_after_a_change_beside_writers_who_do_not_count(
    first_release: DatabaseUrl,
) -> None:
    async with eight_at_work(first_release) as writers:
        await migrate_only(first_release)
        await writers.have_done(WRITERS * 2)

    async with connect(first_release) as owner:
        people = await owner.fetch(
            "SELECT counted_seq = change_seq AS is_current, todo_counts[2] AS number,"
            " (SELECT count(*) FROM todos WHERE user_id = users.id) AS there FROM users"
        )
    assert {row["number"] - row["there"] for row in people if row["is_current"]} == {0}
    assert sum(not row["is_current"] for row in people) == WRITERS


async def test_who_keeps_a_transaction_open_stalls_nobody_and_the_change_goes_in_afterwards(
    first_release: DatabaseUrl, told: pytest.LogCaptureFixture
) -> None:
    async with eight_at_work(first_release) as writers, connect(first_release) as reader:
        async with reader.transaction():
            pid = await reader.fetchval("SELECT pg_backend_pid() FROM users LIMIT 1")
            changing = asyncio.create_task(migrate_only(first_release))
            await until(lambda: "waits for others" in told.text, "it has met the reader")
            await writers.have_done(20 * WRITERS)
            meanwhile = await current_revision(first_release)
        await changing
        await writers.have_done(WRITERS)

    assert f"process {pid} of PostgreSQL" in told.text
    assert (meanwhile, await current_revision(first_release)) == ("0003", head_revision())
    assert max(writers.durations) < LONGEST_REQUEST_SECONDS


async def test_a_change_that_cannot_go_in_gives_up_and_says_who_is_in_the_way(
    first_release: DatabaseUrl,
) -> None:
    async with connect(first_release) as reader, reader.transaction():
        pid = await reader.fetchval("SELECT pg_backend_pid() FROM users LIMIT 1")

        with pytest.raises(
            CannotStart, match=rf"within 0 s.*process {pid} .*in a transaction for .*todo migrate"
        ):
            async with alone(first_release) as gate:
                await migrate(first_release, gate, patience_seconds=0)

    assert await current_revision(first_release) == "0003"


async def test_an_index_can_be_built_concurrently_by_a_revision(each_server: DatabaseUrl) -> None:
    async with new_database(each_server) as url, alone(url) as gate, connect(url) as owner:
        await migrate(url, gate)

        async with asyncio.timeout(20):
            await owner.execute("CREATE INDEX CONCURRENTLY ix_late ON todos (user_id, title)")


async def test_a_count_that_was_broken_off_is_made_again(first_release: DatabaseUrl) -> None:
    async with connect(first_release) as owner:
        await migrate_only(first_release, "0003")
        await owner.execute("ALTER TABLE users ADD COLUMN todo_count bigint DEFAULT 0 NOT NULL")
        await owner.execute("UPDATE users SET todo_count = 50 WHERE id < (SELECT id FROM users LIMIT 1)")

        await migrate_only(first_release)

        counts = await owner.fetch("SELECT DISTINCT todo_count FROM users")
    assert [row["todo_count"] for row in counts] == [50]


async def test_an_index_that_was_broken_off_is_built_again(first_release: DatabaseUrl) -> None:
    name = "ix_todo_changes_todo_id_user_id_seq"
    async with connect(first_release) as owner:
        await migrate_only(first_release, "0014")
        await owner.execute(f"CREATE INDEX {name} ON todo_changes (todo_id, user_id, seq)")
        await owner.execute(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass")

        await migrate_only(first_release)

        is_valid = f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{name}'::regclass"
        assert await owner.fetchval(is_valid)


async def test_checks_that_were_broken_off_are_put_again(first_release: DatabaseUrl) -> None:
    async with connect(first_release) as owner:
        await migrate_only(first_release, "0016")
        await owner.execute("ALTER TABLE todos ADD CONSTRAINT ck_todos_title_fits CHECK (title <> '')")

        await migrate_only(first_release)

        checks = (
            "SELECT conname FROM pg_constraint"
            " WHERE conrelid = 'todos'::regclass AND contype = 'c' AND convalidated ORDER BY conname"
        )
        assert [row["conname"] for row in await owner.fetch(checks)] == [
            "ck_todos_description",
            "ck_todos_title_fits",
            "ck_todos_version",
        ]


async def test_a_change_whose_connection_is_cut_says_that_it_can_be_repeated(
    first_release: DatabaseUrl,
) -> None:
    async with connect(first_release) as owner, connect(first_release) as reader, reader.transaction():
        await reader.fetch("SELECT FROM users")
        changing = asyncio.create_task(migrate_only(first_release))
        await until(
            lambda: owner.fetchval(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'ALTER TABLE%'"
            ),
            "it is cut off",
        )
        with pytest.raises(CannotStart, match=r"lost .* run `todo migrate` again"):
            await changing
