"""People who use the tables in words that every release so far understands."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from sqlalchemy import text

from tests.e2e.waiting import until
from tests.factories import SECRET
from todo.database.engine import connect, open_pool
from todo.database.roles import APP_GROUP, create_logins, login_of
from todo.database.statements import Statement
from todo.database.transaction import Database
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, migrate

WRITERS = 8
_NEXT_CHANGE = Statement(
    text("UPDATE users SET change_seq = change_seq + 1 WHERE id = :id RETURNING change_seq")
)
_ADD_TODO = Statement(
    text(
        "INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)"
        " VALUES (:id, :todo_id, 'x', now(), now(), 1, :seq) RETURNING id"
    )
)
_COUNT_TODOS = Statement(text("SELECT count(*) AS todos FROM todos"))


async def install_first_release(url: DatabaseUrl, *, people: int, todos: int) -> None:
    """Bring an empty database to the oldest schema, with so many people who have so many todos each."""
    async with alone(url) as gate:
        await migrate(url, gate, "0001")
        await create_logins(gate, url, SECRET)
    async with connect(url) as owner:
        await owner.execute(
            "INSERT INTO users (id, change_seq) SELECT gen_random_uuid(), $1 FROM generate_series(1, $2)",
            todos,
            people,
        )
        await owner.execute(
            "INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)"
            " SELECT users.id, gen_random_uuid(), 'x', now(), now(), 1, n"
            " FROM users, generate_series(1, $1) AS n",
            todos,
        )


class Writers:
    """Some who write and read without a pause; a request is one of both."""

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
                row = await transaction.one(_NEXT_CHANGE, id=person)
                assert row
                await transaction.one(_ADD_TODO, id=person, todo_id=uuid4(), seq=row["change_seq"])
            async with self._database.transaction(person, read_only=True) as transaction:
                await transaction.one(_COUNT_TODOS)
            self.durations.append(time.monotonic() - began)


@asynccontextmanager
async def eight_at_work(url: DatabaseUrl) -> AsyncIterator[Writers]:
    """Let eight of the people write until the block ends; any failure of theirs ends it."""
    async with connect(url) as owner:
        rows = await owner.fetch(f"SELECT id FROM users LIMIT {WRITERS}")
    async with open_pool(login_of(APP_GROUP, url, SECRET), size=WRITERS) as pool:
        writers = Writers(Database(pool))
        async with writers.at_work([row["id"] for row in rows]):
            await writers.have_done(WRITERS)
            yield writers
