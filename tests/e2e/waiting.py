"""Waits for something to become true by asking for it, and gives up in good time."""

import inspect
import time
from asyncio import sleep
from collections.abc import Awaitable, Callable

import httpx2

_PAUSE_SECONDS = 0.02


def wait_until(holds: Callable[[], object], what: str, *, seconds: float = 20.0) -> None:
    """Ask until the answer is true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(_PAUSE_SECONDS)


async def until(holds: Callable[[], Awaitable[object] | object], what: str, *, seconds: float = 20.0) -> None:
    """Ask until the answer is true, and let others work meanwhile."""
    deadline = time.monotonic() + seconds
    while True:
        answer = holds()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        await sleep(_PAUSE_SECONDS)


async def until_answered(
    ask: Callable[[], Awaitable[httpx2.Response]], status: int, *, seconds: float = 20.0
) -> list[httpx2.Response]:
    """Ask until the answer has this status, and give all answers; one that never came is none."""
    answers: list[httpx2.Response] = []

    async def is_answered() -> bool:
        try:
            answers.append(await ask())
        except httpx2.TransportError:
            return False
        return answers[-1].status_code == status

    await until(is_answered, f"answered {status}", seconds=seconds)
    return answers
