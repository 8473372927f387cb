"""Callers who say nothing, or say it too slowly."""

import asyncio
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.e2e.product import Product
from tests.factories import Person
from tests.torture.bench import Bench
from tests.torture.figures import Results, at_most, exactly
from tests.torture.neighbour import neighbour

# More than the open files an init system allows a service that asks for no more.
_CALLERS = 1_200
_USUAL_DESCRIPTORS = 1_024
_PATIENCE_SECONDS = 15.0
_GIVE_UP_SECONDS = 30.0
_PAUSE_SECONDS = 0.5
_BEGINNINGS = (
    b"",
    b"GET /health/live HTTP/1.1\r\nX-Slow: ",
    b"POST /api/todos HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
)


async def slow(bench: Bench) -> Results:
    """Twelve hundred connections that stay silent, or send headers or a body a byte every half second.

    Promised: all are closed within 15 s, and newcomers are served meanwhile, although a service may open
    1,024 files and no more when nobody raises that.
    """
    callers = bench.times(_CALLERS, 100)
    with bench.product() as product, _descriptors(_USUAL_DESCRIPTORS):
        product.start()
        with _descriptors(2 * _CALLERS):
            async with bench.people() as people:
                person = await (await people.newcomer(product)).person()
                called = [await _Caller.calling(product, number) for number in range(callers)]
                newcomer = Person(await people.client(product), person.token, person.subject)
                async with neighbour(newcomer) as seen:
                    seconds = await asyncio.gather(*(caller.until_hung_up_on() for caller in called))
    return {
        "slow": [
            exactly("connections closed", sum(taken < _GIVE_UP_SECONDS for taken in seconds), callers),
            at_most("the last one after", max(seconds), _PATIENCE_SECONDS),
            *seen.figures(),
        ]
    }


@contextmanager
def _descriptors(number: int) -> Iterator[None]:
    """Allow this process, and those it starts, so many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class _Caller:
    """Somebody who begins to speak and goes on slowly."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, beginning: bytes) -> None:
        self._reader = reader
        self._writer = writer
        self._called_at = time.monotonic()
        writer.write(beginning)
        self._speaking = asyncio.create_task(self._speak()) if beginning else None

    @classmethod
    async def calling(cls, product: Product, number: int) -> "_Caller":
        connection = await asyncio.open_connection("127.0.0.1", product.port)
        return cls(*connection, _BEGINNINGS[number % len(_BEGINNINGS)])

    async def until_hung_up_on(self) -> float:
        """Give the seconds from the call until the other side hung up."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                await self._reader.read()
        taken = time.monotonic() - self._called_at
        if self._speaking:
            self._speaking.cancel()
        self._writer.close()
        return taken

    async def _speak(self) -> None:
        while not self._writer.is_closing():
            await asyncio.sleep(_PAUSE_SECONDS)
            self._writer.write(b"x")
