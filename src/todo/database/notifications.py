"""Who has changed something, told from worker to worker by PostgreSQL's NOTIFY and LISTEN.

A notification is no more than a reason to look: the tables are the truth, and who waits also looks unasked.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID, uuid4

import asyncpg

from todo.beside import running
from todo.database.engine import Connection, connect
from todo.database.pool import Pool
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

_logger = logging.getLogger(__name__)
_CHANNEL = "todo_changes"
_NOTIFY = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"
# PostgreSQL takes less than 8000 bytes; a name is the 36 characters of a UUID.
_NAMES_PER_PAYLOAD = 200
_PAUSE_SECONDS = 0.05
_TELL_TIMEOUT_SECONDS = 2.0
_ECHO_TIMEOUT_SECONDS = 10.0
_ECHO_EVERY_SECONDS = 15.0
_FIRST_RETRY_SECONDS = 0.1
_LONGEST_RETRY_SECONDS = 10.0
_FAILURES = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    CannotStart,
)


class Announcer:
    """Tells every worker who has changed something, after the commit and beside it.

    Commits that notify wait for each other, in the whole database. So writers only leave a name here, and one
    task tells all the names that have come together, in one statement.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._names: set[str] = set()
        self._has_names = asyncio.Event()

    def note(self, user_id: UUID) -> None:
        """Have it told soon. What cannot be told now is told later, unless the process ends before."""
        self._names.add(str(user_id))
        self._has_names.set()

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Tell what is noted while open, and what is left at the end."""
        async with running(self._tell_for_ever()):
            yield
        if self._names:
            with suppress(*_FAILURES):
                await self._tell()

    async def _tell_for_ever(self) -> None:
        pause = _PAUSE_SECONDS
        while True:
            await self._has_names.wait()
            try:
                await self._tell()
                pause = _PAUSE_SECONDS
            except _FAILURES as error:
                _logger.debug("changes cannot be told of now: %r", error)
                pause = min(pause * 2, _LONGEST_RETRY_SECONDS)
            await asyncio.sleep(pause)

    async def _tell(self) -> None:
        names = list(self._names)
        self._names.clear()
        self._has_names.clear()
        starts = range(0, len(names), _NAMES_PER_PAYLOAD)
        payloads = [" ".join(names[start : start + _NAMES_PER_PAYLOAD]) for start in starts]
        try:
            # In a transaction, for a pooler may send the second half of a bare statement to another process.
            async with self._pool.lent(timeout=_TELL_TIMEOUT_SECONDS) as line, line.transaction():
                await line.execute(_NOTIFY, _CHANNEL, payloads, timeout=_TELL_TIMEOUT_SECONDS)
        except BaseException:
            self._names.update(names)
            self._has_names.set()
            raise


class Listener:
    """Hears who has changed something, and rings for those who wait for it.

    It keeps a connection of its own while anybody waits, and none otherwise, so that a hosted database nobody
    uses may fall asleep. The line counts once a name of the listener's own has come back over it, and has to
    prove itself so again and again: a pooler in between takes a LISTEN and passes nothing on, and a dead line
    is as quiet as a good one.
    """

    def __init__(self, url: DatabaseUrl | None, announcer: Announcer) -> None:
        self._url = url
        self._announcer = announcer
        self._bells: dict[str, set[asyncio.Event]] = {}
        self._is_needed = asyncio.Event()
        self._own_id = uuid4()
        self._stirred = asyncio.Event()
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self.hears = False

    @contextmanager
    def bell(self, user_id: UUID) -> Iterator[asyncio.Event]:
        """Give what is set when the person may have changed something. Clear it, then look, then wait."""
        name, bell = str(user_id), asyncio.Event()
        self._bells.setdefault(name, set()).add(bell)
        self._is_needed.set()
        try:
            yield bell
        finally:
            self._bells[name].remove(bell)
            if not self._bells[name]:
                del self._bells[name]
            if not self._bells:
                self._is_needed.clear()

    def ring_all(self) -> None:
        """Have everybody look."""
        for name in self._bells:
            self._ring(name)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen while open; without an address, nothing is heard."""
        if self._url is None:
            yield
            return
        async with running(self._listen_for_ever(self._url)):
            yield

    async def _listen_for_ever(self, url: DatabaseUrl) -> None:
        while True:
            await self._is_needed.wait()
            try:
                await self._listen(url)
            except _FAILURES as error:
                _logger.warning("changes are not heard of now, streams ask each second: %r", error)
                await asyncio.sleep(self._retry_seconds)
                self._retry_seconds = min(self._retry_seconds * 2, _LONGEST_RETRY_SECONDS)

    async def _listen(self, url: DatabaseUrl) -> None:
        async with connect(url) as connection:
            connection.add_termination_listener(lambda _connection: self._stirred.set())
            await connection.add_listener(_CHANNEL, self._hear)
            try:
                while self._is_needed.is_set():
                    self._announcer.note(self._own_id)
                    if not await self._stirs(connection, within=_ECHO_TIMEOUT_SECONDS):
                        raise ConnectionResetError("no echo: the line is dead, or a pooler is in between")
                    self._trust()
                    await self._stirs(connection, within=_ECHO_EVERY_SECONDS)
            finally:
                self.hears = False
                self.ring_all()
                connection.terminate()

    async def _stirs(self, connection: Connection, *, within: float) -> bool:
        self._stirred.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._stirred.wait()
        if connection.is_closed():
            raise ConnectionResetError("the line was cut")
        return self._stirred.is_set()

    def _trust(self) -> None:
        self._retry_seconds = _FIRST_RETRY_SECONDS
        if not self.hears:
            self.hears = True
            self.ring_all()

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        for name in str(payload).split():
            if name == str(self._own_id):
                self._stirred.set()
            self._ring(name)

    def _ring(self, name: str) -> None:
        for bell in self._bells.get(name, ()):
            bell.set()
