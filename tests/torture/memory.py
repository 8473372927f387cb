"""The memory a process takes, looked at often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil

_SAMPLE_SECONDS = 0.01
_MEGABYTE = 1_000_000


class Memory:
    """Resident megabytes: at first, and at the peak."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._first = self._peak = self._now()

    @property
    def growth(self) -> float:
        return self._peak - self._first

    def look(self) -> None:
        self._peak = max(self._peak, self._now())

    def _now(self) -> float:
        return float(self._process.memory_info().rss) / _MEGABYTE


@asynccontextmanager
async def watched_memory(process: psutil.Process) -> AsyncIterator[Memory]:
    """Look at a process's memory until the block ends."""
    memory = Memory(process)
    watching = asyncio.create_task(_watch(memory))
    try:
        yield memory
    finally:
        watching.cancel()
        memory.look()


async def _watch(memory: Memory) -> None:
    while True:
        memory.look()
        await asyncio.sleep(_SAMPLE_SECONDS)
