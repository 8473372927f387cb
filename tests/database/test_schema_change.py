"""The schema changes beside people at work: nobody fails, nobody waits for long."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tests.e2e.waiting import until
from tests.factories import SECRET, migrate_only, new_database
from todo.database.engine import connect, open_pool
from todo.database.roles import APP_GROUP, create_logins, login_of
from todo.database.statements import Statement
from todo.database.transaction import Database
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, current_revision, head_revision, migrate
from todo.problems import CannotStart

WRITERS = 8
# On a machine that may be busy with other tests; `make torture` holds it to half a second.
LONGEST_REQUEST_SECONDS = 2.0
# What every release does in each of its writes, in words that all of them understand.
NEXT_CHANGE = Statement(
    text("UPDATE users SET change_seq = change_seq + 1 WHERE id = :id RETURNING change_seq")
)
ADD_TODO = Statement(
    text(
        "INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)"
        " VALUES (:id, :todo_id, 'x', now(), now(), 1, :seq) RETURNING id"
    )
)
COUNT_TODOS = Statement(text("SELECT count(*) AS todos FROM todos"))


@pytest.fixture
async def first_release(each_server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """A database at the oldest schema, with 200 people who have 50 todos each."""
    async with new_database(each_server) as url:
        async with alone(url) as gate:
            await migrate(url, gate, "0001")
            await create_logins(gate, url, SECRET)
        async with connect(url) as owner:
            await owner.execute(
                "INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 200);"
                "INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)"
                " SELECT users.id, gen_random_uuid(), 'x', now(), now(), 1, n"
                " FROM users, generate_series(1, 50) AS n;"
                "UPDATE users SET change_seq = 50"
            )
        yield url


class Writers:
    """Eight people who read and write without a pause."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_over = asyncio.Event()
        self.durations: list[float] = []

    @asynccontextmanager
    async def at_work(self, people: list[UUID]) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            for person in people:
                tasks.create_task(self._write(person))
            try:
                yield
            finally:
                self._is_over.set()

    async def have_done(self, more: int) -> None:
        wanted = len(self.durations) + more
        await until(lambda: len(self.durations) >= wanted, f"{more} more requests")

    async def _write(self, person: UUID) -> None:
        while not self._is_over.is_set():
            began = time.monotonic()
            async with self._database.transaction(person) as transaction:
                row = await transaction.one(NEXT_CHANGE, id=person)
                assert row
                await transaction.one(ADD_TODO, id=person, todo_id=uuid4(), seq=row["change_seq"])
            async with self._database.transaction(person, read_only=True) as transaction:
                await transaction.one(COUNT_TODOS)
            self.durations.append(time.monotonic() - began)


@asynccontextmanager
async def eight_at_work(url: DatabaseUrl) -> AsyncIterator[Writers]:
    async with connect(url) as owner:
        rows = await owner.fetch(f"SELECT id FROM users LIMIT {WRITERS}")
    async with open_pool(login_of(APP_GROUP, url, SECRET), size=WRITERS) as pool:
        writers = Writers(Database(pool))
        async with writers.at_work([row["id"] for row in rows]):
            await writers.have_done(WRITERS)
            yield writers


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


async def test_a_count_that_was_broken_off_is_made_again(first_release: DatabaseUrl) -> None:
    async with connect(first_release) as owner:
        await migrate_only(first_release, "0003")
        await owner.execute("ALTER TABLE users ADD COLUMN todo_count bigint DEFAULT 0 NOT NULL")
        await owner.execute("UPDATE users SET todo_count = 50 WHERE id < (SELECT id FROM users LIMIT 1)")

        await migrate_only(first_release)

        counts = await owner.fetch("SELECT DISTINCT todo_count FROM users")
    assert [row["todo_count"] for row in counts] == [50]


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
