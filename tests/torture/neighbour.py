"""Somebody who goes on using the product properly while others do not."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from tests.factories import Person
from tests.torture.figures import Figure, none, quantile, shown


class Neighbour:
    """How their requests were answered, and after how many seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.failures = 0

    def figures(self) -> list[Figure]:
        return [
            shown("requests of others meanwhile", len(self.seconds) + self.failures),
            none("of these not 2xx", self.failures),
            shown("of these, median", quantile(self.seconds, 0.5), "s"),
            shown("of these, 99 of 100 within", quantile(self.seconds, 0.99), "s"),
            shown("of these, slowest", max(self.seconds, default=0.0), "s"),
        ]


@asynccontextmanager
async def neighbour(person: Person, *, pause_seconds: float = 0.01) -> AsyncIterator[Neighbour]:
    """Let a person add and list until the block ends, by turns on a kept connection and on a new one."""
    seen = Neighbour()
    is_over = asyncio.Event()
    task = asyncio.create_task(_use(person, seen, is_over, pause_seconds))
    try:
        yield seen
    finally:
        is_over.set()
        await task


async def _use(person: Person, seen: Neighbour, is_over: asyncio.Event, pause_seconds: float) -> None:
    while not is_over.is_set():
        for connection in ("keep-alive", "close"):
            for method, options in (("POST", {"json": {"title": "As ever"}}), ("GET", {})):
                await _ask(person, method, seen, headers={"connection": connection}, **options)
                await asyncio.sleep(pause_seconds)


async def _ask(person: Person, method: str, seen: Neighbour, **options: object) -> None:
    asked_at = time.monotonic()
    try:
        response = await person.request(method, "/api/todos", **options)
    except httpx2.TransportError:
        seen.failures += 1
        return
    if response.is_success:
        seen.seconds.append(time.monotonic() - asked_at)
    else:
        seen.failures += 1
