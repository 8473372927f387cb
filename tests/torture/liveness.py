"""Asks a product whether it lives, from a process that waits for nothing else.

Run as a program it takes the address, asks until its standard input ends, and prints the longest wait.
"""

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from tests.e2e.product import Product

_PAUSE_SECONDS = 0.05
_TIMEOUT_SECONDS = 30.0


class Liveness:
    """How long the slowest answer took, known when the asking is over."""

    slowest_seconds = 0.0


@asynccontextmanager
async def watched_liveness(product: Product) -> AsyncIterator[Liveness]:
    """Ask until the block ends; every answer must be 2xx."""
    liveness = Liveness()
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, product.address),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield liveness
    finally:
        said, _ = await asking.communicate(b"")
        liveness.slowest_seconds = float(said)


def _slowest_answer(address: str) -> float:
    is_over = threading.Event()
    threading.Thread(target=_set_at_the_end_of_input, args=(is_over,), daemon=True).start()
    slowest = 0.0
    with httpx2.Client(base_url=address, timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
        while not is_over.wait(_PAUSE_SECONDS):
            asked_at = time.monotonic()
            client.get("/health/live").raise_for_status()
            slowest = max(slowest, time.monotonic() - asked_at)
    return slowest


def _set_at_the_end_of_input(event: threading.Event) -> None:
    sys.stdin.read()
    event.set()


if __name__ == "__main__":
    print(_slowest_answer(sys.argv[1]))  # noqa: T201  # this is the program's answer
