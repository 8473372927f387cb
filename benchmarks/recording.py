"""What the product says to its database for each job, taken down while its own code does it once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import asyncpg

from benchmarks.population import Person
from benchmarks.requests import Job
from todo.database.engine import Connection, connect
from todo.database.provenance import PERSON, Client, Provenance
from todo.database.standing import LiveSession
from todo.database.stroke import Stroke
from todo.database.transaction import Database
from todo.database.url import DatabaseUrl
from todo.database.wire import Row
from todo.features.todos.schemas import TodoCreate, TodoFilter, TodoUpdate
from todo.features.todos.service import TodoReader, TodoWriter, todo_reader, todo_writer
from todo.settings import Limits

_LIMITS = Limits(rate_limit=0, quota=0, batch_limit=100, agent_writes=0)
_NEW = TodoCreate(title="Water the plants")


@dataclass(frozen=True)
class Step:
    """One statement, its arguments, and the row it gave if it gave one."""

    sql: str
    arguments: tuple[Any, ...] = ()
    row: dict[str, Any] = field(default_factory=dict)


# What each time says something else, as it must to change anything.
FRESH = "something new"


async def record(url: DatabaseUrl, person: Person, todo_id: UUID) -> dict[Job, list[list[Step]]]:
    """Do each job for a person, who has this todo and has not completed it, and give what was said.

    What can be done but once is followed by what can be done then.
    """
    looks: dict[Job, Callable[[TodoReader], Awaitable[object]]] = {
        Job.GET: lambda reader: reader.get_todo(todo_id),
        Job.LIST: lambda reader: reader.list_todos(TodoFilter(limit=20)),
    }
    writes: dict[Job, list[Callable[[TodoWriter], Awaitable[object]]]] = {
        Job.CREATE: [lambda writer: writer.create_todo(_NEW)],
        Job.UPDATE: [lambda writer: writer.update_todo(todo_id, TodoUpdate(title=FRESH))],
        Job.COMPLETE: [
            lambda writer: writer.complete_todo(todo_id),
            lambda writer: writer.reopen_todo(todo_id),
        ],
    }
    said: dict[Job, list[list[Step]]] = {}
    standing = LiveSession(person.session_id)
    async with connect(url) as connection:
        for job, look in looks.items():
            said[job] = [await looked(connection, person, look)]
        for job, turns in writes.items():
            provenance = Provenance(Client(PERSON), f"{job}_todo")
            said[job] = []
            for write in turns:
                tape = _Tape(connection)
                await write(todo_writer(Stroke(_on(tape), person.id, standing, provenance), _LIMITS))
                said[job].append(tape.steps)
    return said


async def looked(
    connection: Connection, person: Person, look: Callable[[TodoReader], Awaitable[object]]
) -> list[Step]:
    """Look something up for a person, and give what was said."""
    tape = _Tape(connection)
    await look(todo_reader(_on(tape).glance(person.id, LiveSession(person.session_id)), b"secret"))
    return tape.steps


def _on(tape: "_Tape") -> Database:
    return Database(tape, reads=tape, writes=tape)


class _Tape:
    """One connection, of a pool and for reads, which takes down what is said on it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.steps: list[Step] = []

    async def acquire(self, *, timeout: float) -> Connection:  # noqa: ARG002, ASYNC109  # as a pool has it
        return cast("Connection", self)

    async def release(self, _connection: Connection) -> None:
        """Keep it."""

    def is_closed(self) -> bool:
        return self._connection.is_closed()

    async def execute(self, script: str) -> str:
        self.steps += [Step(part.strip()) for part in script.split(";")]
        return await self._connection.execute(script)

    async def fetch(self, sql: str, *arguments: Any, **options: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._connection.fetch(sql, *arguments, **options)
        self.steps.append(Step(sql, arguments, dict(rows[0]) if len(rows) == 1 else {}))
        return rows

    async def fetchrow(self, sql: str, *arguments: Any, **options: Any) -> asyncpg.Record | None:
        rows = await self.fetch(sql, *arguments, **options)
        return rows[0] if rows else None

    async def ask(self, sql: str, values: Sequence[Any], *, timeout: float) -> Row | None:  # noqa: ARG002, ASYNC109  # as a pipeline has it
        return await self.fetchrow(sql, *values)
