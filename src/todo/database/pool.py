"""The connections of a worker: lent one request at a time, and first to whoever has waited longest."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import asyncpg

# The driver's class takes a parameter for the type checker alone.
if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

# A connection at rest is closed after so long, for hosted databases fall asleep once nobody is connected.
_IDLE_SECONDS = 240.0
_CLOSING_SECONDS = 5.0


class Pool:
    """Connects on first use, so that a worker comes up while the database is away.

    The driver's own pool wakes one who waits when a connection is free; whoever comes by in that moment takes
    it, and the woken one goes to the end of the line. Here it is put into their hands. Nothing is reset in
    between: whatever a transaction sets is SET LOCAL.
    """

    def __init__(
        self, dial: Callable[[], Awaitable[Connection]], *, size: int, idle_seconds: float = _IDLE_SECONDS
    ) -> None:
        self.size = size
        self._dial = dial
        self._idle_seconds = idle_seconds
        # With the time when it came back; the one that was used last is lent next.
        self._free: list[tuple[float, Connection]] = []
        # Each is given a connection, or None for the right to open one.
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._open = 0
        self._lent = 0
        self._end: asyncio.Event | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def acquire(self, *, timeout: float) -> Connection:  # noqa: ASYNC109  # as the driver's pool has it
        """Give a connection; raises `TimeoutError` when none is free in time."""
        connection = self.at_once()
        if connection is not None:
            return connection
        if self._end is not None:
            raise _closing()
        deadline = asyncio.get_running_loop().time() + timeout
        if self._open < self.size:
            self._open += 1
            self._lent += 1
        else:
            connection = await self._in_turn(deadline)
        return connection or await self._opened(deadline)

    def at_once(self) -> Connection | None:
        """Give a connection if one is free."""
        while self._free:
            _, connection = self._free.pop()
            if not connection.is_closed():
                self._lent += 1
                return connection
            self._open -= 1
        return None

    async def release(self, connection: Connection) -> None:
        """Take a connection back; one that is not fit to be lent again is closed."""
        if not connection.is_closed() and connection.is_in_transaction():
            connection.terminate()
        self._pass_on(None if connection.is_closed() else connection)

    @asynccontextmanager
    async def lent(self, *, timeout: float) -> AsyncIterator[Connection]:  # noqa: ASYNC109  # see above
        """Give a connection for the block."""
        connection = await self.acquire(timeout=timeout)
        try:
            yield connection
        finally:
            await self.release(connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Turn away who waits, let those finish who have a connection, and close them all."""
        self._end = asyncio.Event()
        while self._waiting:
            _tell(self._waiting.popleft(), _closing())
        if self._lent:
            await self._end.wait()
        if self._sweep is not None:
            self._sweep.cancel()
        goodbyes = [connection.close(timeout=_CLOSING_SECONDS) for _, connection in self._free]
        self._free.clear()
        await asyncio.gather(*goodbyes, return_exceptions=True)

    async def _in_turn(self, deadline: float) -> Connection | None:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiting.append(waiter)
        # A timer by itself costs half of what `asyncio.timeout` does, and most who come by wait.
        patience = loop.call_at(deadline, _tell, waiter, TimeoutError())
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # It came in the moment in which the wait was given up.
                self._pass_on(waiter.result())
            raise
        finally:
            patience.cancel()

    async def _opened(self, deadline: float) -> Connection:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._dial()
        except BaseException:
            self._pass_on(None)
            raise

    def _pass_on(self, connection: Connection | None) -> None:
        """Give a connection, or the right to open one, to who has waited longest; else take it back."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._lent -= 1
        if connection is None:
            self._open -= 1
        else:
            self._keep(connection)
        if self._end is not None and not self._lent:
            self._end.set()

    def _keep(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        self._free.append((loop.time(), connection))
        if self._sweep is None:
            self._sweep = loop.call_later(self._idle_seconds, self._close_idle)

    def _close_idle(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time() - self._idle_seconds
        # The first has been free the longest.
        while self._free and self._free[0][0] <= before:
            self._free.pop(0)[1].terminate()
            self._open -= 1
        since = self._free[0][0] if self._free else None
        self._sweep = None if since is None else loop.call_at(since + self._idle_seconds, self._close_idle)


def _tell(waiter: "asyncio.Future[Connection | None]", error: Exception) -> None:
    if not waiter.done():
        waiter.set_exception(error)


def _closing() -> asyncpg.InterfaceError:
    return asyncpg.InterfaceError("the pool is closing")
