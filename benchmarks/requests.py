"""The jobs, as requests on the wire and what their answers have to look like."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from benchmarks.crowd import Crowd

_NEW = b'{"title":"Water the plants %d","description":"The fern twice","priority":"high"}'
_RENAMED = b'{"title":"Renamed %d"}'


class Job(StrEnum):
    """What is measured."""

    GET = "get"
    LIST = "list"
    CREATE = "create"
    UPDATE = "update"
    COMPLETE = "complete"
    MIX = "mix"
    HELLO = "hello"


# What bots do all day: look, look around, and now and then write something down.
MIX = {Job.GET: 65, Job.LIST: 23, Job.CREATE: 4, Job.UPDATE: 4, Job.COMPLETE: 4}
WRITES = (Job.CREATE, Job.UPDATE, Job.COMPLETE)


class Asked(NamedTuple):
    """One request, and what tells that it was answered: the status, and words that the body must hold."""

    job: Job
    wire: bytes
    status: int
    marker: bytes


@dataclass(frozen=True)
class Dialect:
    """How a contender is spoken to."""

    name: str
    create_status: int = 201
    total: bytes = b'"total":'
    tag: bytes = b""
    # Reads again once it has committed: of two who rename the same todo, both may be shown the later name.
    rereads: bool = False


OURS = Dialect("ours", tag=b"\r\netag: ")
PEER = Dialect("peer", create_status=200, total=b'"count":', rereads=True)
HELLO = Dialect("hello")


class Requests:
    """Makes requests of light users at random; the same ones for the same contender and seed."""

    def __init__(self, crowd: Crowd, dialect: Dialect) -> None:
        self._dialect = dialect
        self._heads = crowd.headers.get(dialect.name, [])
        self._seen = crowd.seen
        self._random = random.Random(dialect.name)  # noqa: S311  # to be the same each time
        self._flips = self._every_todo_in_turn()
        self._number = 0
        self._makers: dict[Job, Callable[[], Asked]] = {
            Job.GET: self._get,
            Job.LIST: self._list,
            Job.CREATE: self._create,
            Job.UPDATE: self._update,
            Job.COMPLETE: self._complete,
            Job.HELLO: self._hello,
        }

    def of(self, job: Job) -> Iterator[Asked]:
        """Give requests of one job, without end."""
        if job is not Job.MIX:
            make = self._makers[job]
            while True:
                yield make()
        makers = [self._makers[part] for part in MIX]
        weights = list(MIX.values())
        while True:
            for make in self._random.choices(makers, weights, k=1_000):
                yield make()

    def _get(self) -> Asked:
        owner, todo_id, _ = self._any()
        wire = b"GET /api/todos/%s HTTP/1.1\r\nHost: bench\r\n%s\r\n" % (todo_id, self._heads[owner])
        return Asked(Job.GET, wire, 200, b'"id":"%s"' % todo_id)

    def _list(self) -> Asked:
        owner = self._random.randrange(1, len(self._heads))
        wire = b"GET /api/todos?limit=20 HTTP/1.1\r\nHost: bench\r\n%s\r\n" % self._heads[owner]
        return Asked(Job.LIST, wire, 200, self._dialect.total)

    def _create(self) -> Asked:
        owner = self._random.randrange(1, len(self._heads))
        number = self._next()
        body = _NEW % number
        wire = _with_body(b"POST /api/todos", self._heads[owner], body)
        return Asked(Job.CREATE, wire, self._dialect.create_status, b'Water the plants %d"' % number)

    def _update(self) -> Asked:
        owner, todo_id, _ = self._any()
        body = _RENAMED % self._next()
        wire = _with_body(b"PATCH /api/todos/" + todo_id, self._heads[owner], body)
        return Asked(Job.UPDATE, wire, 200, b'"title":"Renamed ' if self._dialect.rereads else body[1:-1])

    def _complete(self) -> Asked:
        owner, todo_id, is_completed = next(self._flips)
        verb, marker = (
            (b"reopen", b'"is_completed":false') if is_completed else (b"complete", b'"is_completed":true')
        )
        wire = b"PATCH /api/todos/%s/%s HTTP/1.1\r\nHost: bench\r\n%s\r\n" % (
            todo_id,
            verb,
            self._heads[owner],
        )
        return Asked(Job.COMPLETE, wire, 200, marker)

    def _hello(self) -> Asked:
        return Asked(Job.HELLO, b"GET /hello HTTP/1.1\r\nHost: bench\r\n\r\n", 200, b"hello")

    def _any(self) -> tuple[int, bytes, bool]:
        seen = self._seen[int(self._random.random() * len(self._seen))]
        return seen.owner, str(seen.id).encode(), seen.is_completed

    def _every_todo_in_turn(self) -> Iterator[tuple[int, bytes, bool]]:
        # Completing what is complete would change nothing: open ones are completed, then reopened.
        is_completed = False
        while True:
            for seen in self._seen:
                if not seen.is_completed:
                    yield seen.owner, str(seen.id).encode(), is_completed
            is_completed = not is_completed

    def _next(self) -> int:
        self._number += 1
        return self._number


def _with_body(line: bytes, head: bytes, body: bytes) -> bytes:
    return (
        b"%s HTTP/1.1\r\nHost: bench\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        % (
            line,
            head,
            len(body),
            body,
        )
    )
