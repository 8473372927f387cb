"""Hours of ordinary use."""

import asyncio
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass

import psutil

from tests.e2e.people import Account
from tests.e2e.product import Product
from tests.factories import Person
from tests.torture.bench import Bench
from tests.torture.figures import Figure, Results, at_most, none, shown
from tests.torture.neighbour import Neighbour, neighbour

_PEOPLE = 4
_PAUSE_SECONDS = 0.02
_LOOK_SECONDS = 1.0
_TOKEN_SECONDS = 300.0
_LONGEST_WARM_UP_SECONDS = 600.0
_MOST_GROWTH_PERCENT = 5.0
_MOST_NEW_DESCRIPTORS = 2
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class _Look:
    megabytes: float
    descriptors: int


async def soak(bench: Bench) -> Results:
    """Four people add and list for as long as was asked for.

    Promised, after a warm-up of a fifth of it, at most 10 min: memory grows by less than 5 %, the number of
    open files does not grow, and everything is answered 2xx.
    """
    with bench.product() as product:
        product.start()
        async with bench.people() as people, AsyncExitStack() as stack:
            accounts = [await people.newcomer(product) for _ in range(_PEOPLE)]
            persons = [await account.person() for account in accounts]
            uses = [
                await stack.enter_async_context(neighbour(person, pause_seconds=_PAUSE_SECONDS))
                for person in persons
            ]
            api, auth = await _look_for(bench.soak_minutes * 60, product, accounts, persons)
    return {
        "soak: API": [*_growth(bench, api), *_use(uses)],
        "soak: auth server": _growth(bench, auth),
    }


async def _look_for(
    seconds: float, product: Product, accounts: list[Account], persons: list[Person]
) -> tuple[list[_Look], list[_Look]]:
    """Look at both processes every second, and give people a new token in time."""
    processes = psutil.Process(product.pid), product.auth_server()
    api: list[_Look] = []
    auth: list[_Look] = []
    started_at = renewed_at = time.monotonic()
    while time.monotonic() - started_at < seconds:
        for looks, process in zip((api, auth), processes, strict=True):
            looks.append(_Look(process.memory_info().rss / _MEGABYTE, process.num_fds()))
        if time.monotonic() - renewed_at > _TOKEN_SECONDS:
            renewed_at = time.monotonic()
            for account, person in zip(accounts, persons, strict=True):
                person.token = await account.token()
        await asyncio.sleep(_LOOK_SECONDS)
    return api, auth


def _growth(bench: Bench, looks: list[_Look]) -> list[Figure]:
    """Compare the time after the warm-up with the end, each a tenth of the whole."""
    warm_up = int(min(bench.soak_minutes * 60 / 5, _LONGEST_WARM_UP_SECONDS) / _LOOK_SECONDS)
    tenth = max(len(looks) // 10, 1)
    before, after = looks[warm_up : warm_up + tenth], looks[-tenth:]
    memory_before, memory_after = (
        statistics.median(look.megabytes for look in part) for part in (before, after)
    )
    files_before, files_after = (
        statistics.median(look.descriptors for look in part) for part in (before, after)
    )
    return [
        shown("memory after the warm-up", memory_before, "MB"),
        shown("memory at the end", memory_after, "MB"),
        at_most("growth", (memory_after / memory_before - 1) * 100, _MOST_GROWTH_PERCENT, "%"),
        at_most("more open files", files_after - files_before, _MOST_NEW_DESCRIPTORS, ""),
    ]


def _use(uses: list[Neighbour]) -> list[Figure]:
    return [
        shown("requests", sum(len(use.seconds) for use in uses)),
        none("not answered 2xx", sum(use.failures for use in uses)),
    ]
