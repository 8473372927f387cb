"""Bodies far larger than allowed, many at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import psutil

from tests.e2e.product import Product
from tests.factories import Person
from tests.torture.bench import Bench
from tests.torture.figures import Figure, Results, at_most, exactly
from tests.torture.memory import watched_memory
from tests.torture.neighbour import neighbour

_AT_ONCE = 50
_SIZE = 10_000_000
_CHUNK = b" " * 50_000
_MOST_GROWTH_MB = 50.0
_FRAMINGS = {
    "with Content-Length": {"content-length": str(_SIZE)},
    "chunked": {"transfer-encoding": "chunked"},
}


async def bodies(bench: Bench) -> Results:
    """Fifty bodies of 10 MB at once, with their length said before and without.

    Promised: each is answered 413, the memory of the process that answers grows by less than 50 MB at its
    peak, and others are served meanwhile.
    """
    results: Results = {}
    for name, headers in _FRAMINGS.items():
        with bench.product() as product:
            product.start()
            results[f"bodies: {name}"] = await _flood(bench, product, headers)
    return results


async def _flood(bench: Bench, product: Product, headers: dict[str, str]) -> list[Figure]:
    async with bench.people() as people:
        person = await (await people.newcomer(product)).person()
        other = await (await people.newcomer(product)).person()
        # What the first requests load for good is not what the bodies take.
        await asyncio.gather(*(person.make_todo() for _ in range(_AT_ONCE)))
        async with neighbour(other) as seen, watched_memory(psutil.Process(product.pid)) as memory:
            statuses = Counter(await asyncio.gather(*(_send(person, headers) for _ in range(_AT_ONCE))))
    return [
        exactly("answered 413", statuses[413], _AT_ONCE),
        at_most("growth of memory at its peak", memory.growth, _MOST_GROWTH_MB, "MB"),
        *seen.figures(),
    ]


async def _send(person: Person, headers: dict[str, str]) -> int:
    response = await person.post("/api/todos", content=_body(), headers=headers)
    return response.status_code


async def _body() -> AsyncIterator[bytes]:
    for _ in range(_SIZE // len(_CHUNK)):
        yield _CHUNK
