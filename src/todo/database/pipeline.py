"""Connections on which many questions are on their way at a time, each a transaction of its own."""

import asyncio
import math
import select
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import asyncpg
import psycopg
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from todo.database.libpq import send_pipeline_sync
from todo.database.wire import ConnectionLost, Row, reader_of, written

_STATEMENTS = 256
_MOST_WAITING = 1_000
# Each statement ends in half of this, by the settings of the role.
_STUCK_SECONDS = 10.0
_TENDING_SECONDS = 0.5
# A connection at rest is closed after so long, for hosted databases fall asleep once nobody is connected.
_IDLE_SECONDS = 240.0
# A plan whose result has changed its type, and a name the server does not know.
_INVALID_PLAN = {"0A000", "26000"}
# One "nothing" stands between two statements; of a connection that has ended, so many are its end.
_AT_AN_END = 3


@dataclass(slots=True)
class _Prepared:
    """A statement the server knows by name, and how the columns of its answer are read."""

    sql: str
    name: bytes
    readers: list[tuple[str, Callable[[bytes], Any]]] | None = None


@dataclass(slots=True)
class _Asked:
    """A statement on its way."""

    prepared: _Prepared
    at: float
    answer: asyncio.Future[Row | None]
    row: Row | None = None
    error: Exception | None = None


class Pipeline:
    """One connection in libpq's pipeline mode: what is ready together is sent and answered together.

    Each statement is a transaction of its own, and they follow one another as they were asked. Whoever has
    had no turn after `patience_seconds` is told so, and what was asked may be done yet.
    """

    def __init__(
        self,
        connection: psycopg.AsyncConnection[Any],
        *,
        patience_seconds: float = math.inf,
        stuck_seconds: float = _STUCK_SECONDS,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self._connection = connection
        self._patience_seconds = patience_seconds
        self._stuck_seconds = stuck_seconds
        self._idle_seconds = idle_seconds
        self._libpq: PGconn = connection.pgconn
        self._libpq.nonblocking = 1
        self._libpq.enter_pipeline_mode()
        self._is_sent_soon = False
        self._loop = asyncio.get_running_loop()
        self._socket = self._libpq.socket
        self._loop.add_reader(self._socket, self._read)
        self._unread = select.poll()
        self._unread.register(self._socket, select.POLLIN)
        # The one that was used last is the last.
        self._prepared: OrderedDict[str, _Prepared] = OrderedDict()
        self._prepared_ever = 0
        self._asked: deque[_Asked] = deque()
        self._used_at = self._loop.time()
        self._tending_seconds = min(_TENDING_SECONDS, patience_seconds, stuck_seconds, idle_seconds)
        self._tending: asyncio.Handle = self._loop.call_soon(self._tend)
        self._answered_at = self._used_at
        self.on_close: Callable[[], None] = lambda: None
        self.is_closed = False

    @property
    def waiting(self) -> int:
        """How many statements have not been answered yet."""
        return len(self._asked)

    @property
    def delay_seconds(self) -> float:
        """For how long the first of them has been first."""
        if not self._asked:
            return 0.0
        return self._loop.time() - max(self._asked[0].at, self._answered_at)

    async def ask(self, sql: str, values: Sequence[Any]) -> Row | None:
        """Give the first row, or nothing, once it is committed; whoever is called off leaves it to nobody.

        Raises `ConnectionLost`, `TimeoutError` where those before take too long, and the errors of asyncpg
        for what PostgreSQL refuses.
        """
        if not self._asked and self._unread.poll(0):
            # At rest, the server has nothing to say but that it has ended.
            self.close()
        if self.is_closed:
            raise ConnectionLost(is_undone=True)
        if len(self._asked) >= _MOST_WAITING:
            raise TimeoutError
        parameters, formats = written(values)
        try:
            prepared = self._known(sql)
            self._libpq.send_query_prepared(prepared.name, parameters, formats, Format.BINARY)
            send_pipeline_sync(self._libpq)
        except psycopg.OperationalError as error:
            self.close()
            raise ConnectionLost from error
        # Whoever else asks before the event loop comes round is in the same message.
        if not self._is_sent_soon:
            self._is_sent_soon = True
            self._loop.call_soon(self._send)
        self._used_at = self._loop.time()
        asked = _Asked(prepared, self._used_at, self._loop.create_future())
        self._asked.append(asked)
        return await asked.answer

    def close(self) -> None:
        """Close at once; whoever still waits is told that the connection is lost."""
        if self.is_closed:
            return
        self.is_closed = True
        self._tending.cancel()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._libpq.finish()
        self.on_close()
        # Told to end, the server does that instead of a commit and never after one.
        is_undone = bool(self._asked) and isinstance(self._asked[0].error, asyncpg.AdminShutdownError)
        while self._asked:
            asked = self._asked.popleft()
            if not asked.answer.done():
                asked.answer.set_exception(ConnectionLost(is_undone=is_undone))

    def _known(self, sql: str) -> _Prepared:
        """Give a statement the server knows, or is told of first."""
        if prepared := self._prepared.get(sql):
            self._prepared.move_to_end(sql)
            return prepared
        self._prepared_ever += 1
        prepared = self._prepared[sql] = _Prepared(sql, b"q%d" % self._prepared_ever)
        self._libpq.send_prepare(prepared.name, sql.encode())
        if len(self._prepared) > _STATEMENTS:
            _, oldest = self._prepared.popitem(last=False)
            self._libpq.send_close_prepared(oldest.name)
        return prepared

    def _send(self) -> None:
        """Send what has been said; what does not fit goes as soon as there is room."""
        self._is_sent_soon = False
        if not self.is_closed and not self._is_all_sent():
            self._loop.add_writer(self._socket, self._send_rest)

    def _send_rest(self) -> None:
        if self._is_all_sent():
            self._loop.remove_writer(self._socket)

    def _is_all_sent(self) -> bool:
        try:
            return not self._libpq.flush()
        except psycopg.OperationalError:
            self.close()
            return True

    def _read(self) -> None:
        is_ended = False
        try:
            self._libpq.consume_input()
            # All there is, the end too: where that is an error of the socket, uvloop tells of it only once.
            while self._unread.poll(0):
                self._take_all()
                self._libpq.consume_input()
        except psycopg.OperationalError:
            is_ended = True
        # What was said before the end still counts.
        self._take_all()
        if is_ended or self._libpq.status == ConnStatus.BAD:
            self.close()

    def _take_all(self) -> None:
        libpq, asked = self._libpq, self._asked
        nothings = 0
        while asked and nothings < _AT_AN_END and not libpq.is_busy():
            result = libpq.get_result()
            if result is not None:
                nothings = 0
                self._take(asked[0], result)
            elif libpq.status == ConnStatus.BAD:
                nothings += 1

    def _take(self, asked: _Asked, result: PGresult) -> None:
        if result.status == ExecStatus.TUPLES_OK:
            try:
                asked.row = _first_row(asked.prepared, result)
            except TypeError as error:
                asked.error = error
        elif result.status == ExecStatus.FATAL_ERROR:
            # What the server says comes first; that the connection has ended, after it.
            asked.error = asked.error or self._refusal(asked.prepared, result)
        elif result.status == ExecStatus.PIPELINE_SYNC:
            self._asked.popleft()
            self._answered_at = self._loop.time()
            if not asked.answer.done():
                if asked.error is None:
                    asked.answer.set_result(asked.row)
                else:
                    asked.answer.set_exception(asked.error)

    def _refusal(self, prepared: _Prepared, result: PGresult) -> Exception:
        fields = {"C": DiagnosticField.SQLSTATE, "M": DiagnosticField.MESSAGE_PRIMARY}
        said = {
            name: (result.error_field(field) or b"").decode(errors="replace")
            for name, field in fields.items()
        }
        is_invalid = said["C"] in _INVALID_PLAN
        # One that has never given an answer may not have been prepared at all.
        if (is_invalid or prepared.readers is None) and self._prepared.get(prepared.sql) is prepared:
            del self._prepared[prepared.sql]
        return ConnectionLost(is_undone=True) if is_invalid else asyncpg.PostgresError.new(said)

    def _tend(self) -> None:
        """Give up on what takes too long, and close what is stuck or has had nothing to do for long."""
        now = self._loop.time()
        for asked in islice(self._asked, 1, None):
            if now - asked.at < self._patience_seconds:
                break
            if not asked.answer.done():
                asked.answer.set_exception(TimeoutError())
        at_it_since = max(self._used_at if not self._asked else self._asked[0].at, self._answered_at)
        if now - at_it_since > (self._stuck_seconds if self._asked else self._idle_seconds):
            self.close()
        else:
            self._tending = self._loop.call_later(self._tending_seconds, self._tend)


def _first_row(prepared: _Prepared, result: PGresult) -> Row | None:
    if prepared.readers is None:
        prepared.readers = [
            ((result.fname(column) or b"").decode(), reader_of(result.ftype(column)))
            for column in range(result.nfields)
        ]
    if not result.ntuples:
        return None
    row: dict[str, Any] = {}
    for column, (name, read) in enumerate(prepared.readers):
        value = result.get_value(0, column)
        row[name] = None if value is None else read(value)
    return row
