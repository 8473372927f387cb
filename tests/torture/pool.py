"""More requests than the database has room for."""

import asyncio
import itertools
import time
from contextlib import closing
from dataclasses import dataclass

import httpx2

from tests.e2e.product import Product
from tests.factories import Person
from tests.torture.bench import Bench
from tests.torture.figures import Results, at_least, at_most, exactly, none
from tests.torture.liveness import watched_liveness
from todo.database.engine import connect

_POOL = 8
_REQUESTS = 100
_AFTERWARDS = 50
_LOCKED_SECONDS = 5.0
_LONGEST_ANSWER_SECONDS = 5.0
_LONGEST_503_SECONDS = 3.0
_LONGEST_LIVENESS_SECONDS = 0.25
_LONGEST_RECOVERY_SECONDS = 1.0
_REQUEST = (
    b"POST /api/todos HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n"
    b'Content-Type: application/json\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{"title": "Held"}'
)


@dataclass(frozen=True)
class _Outcome:
    status: int
    says_when_to_retry: bool
    seconds: float


async def pool(bench: Bench) -> Results:
    """A hundred writes while their table is locked for 5 s, with eight connections to the database.

    Promised: those beyond the eight are answered 503 with Retry-After within 3 s, and nobody waits longer
    than 5 s; the process says within 250 ms that it lives; and once the lock is gone, the next fifty are
    2xx within 1 s.
    """
    with bench.product() as product:
        product.start(TODO_POOL_SIZE=str(_POOL))
        async with bench.people() as people:
            persons = [await (await people.newcomer(product)).person() for _ in range(10)]
            await _write_at_once(product, persons, _REQUESTS)
            async with watched_liveness(product) as liveness:
                async with connect(product.owner_url) as owner, owner.transaction():
                    await owner.execute("LOCK TABLE todos IN ACCESS EXCLUSIVE MODE")
                    held = asyncio.create_task(asyncio.sleep(_LOCKED_SECONDS))
                    outcomes = await _write_at_once(product, persons, _REQUESTS)
                    await held
                released_at = time.monotonic()
                afterwards = await _write_at_once(product, persons, _AFTERWARDS)
                recovered_after = time.monotonic() - released_at
    refusals = [outcome for outcome in outcomes if outcome.status == httpx2.codes.SERVICE_UNAVAILABLE]
    quickest = sorted(outcome.seconds for outcome in refusals)[: _REQUESTS - _POOL]
    return {
        "pool": [
            at_least("answered 503", len(refusals), _REQUESTS - _POOL),
            exactly("answered 2xx or 503", len(refusals) + _succeeded(outcomes), _REQUESTS),
            none("503 without Retry-After", sum(not refusal.says_when_to_retry for refusal in refusals)),
            at_most("slowest 503 of those beyond the pool", quickest[-1], _LONGEST_503_SECONDS),
            at_most("slowest answer", max(outcome.seconds for outcome in outcomes), _LONGEST_ANSWER_SECONDS),
            at_most("slowest liveness", liveness.slowest_seconds, _LONGEST_LIVENESS_SECONDS),
            exactly("2xx once the lock is gone", _succeeded(afterwards), _AFTERWARDS),
            at_most("all of them after", recovered_after, _LONGEST_RECOVERY_SECONDS),
        ]
    }


def _succeeded(outcomes: list[_Outcome]) -> int:
    return sum(outcome.status == httpx2.codes.CREATED for outcome in outcomes)


async def _write_at_once(product: Product, persons: list[Person], requests: int) -> list[_Outcome]:
    """Send writes in the same moment, which no client would manage that is busy with the answers."""
    connections = [await asyncio.open_connection("127.0.0.1", product.port) for _ in range(requests)]
    sent_at = time.monotonic()
    for (_, writer), person in zip(connections, itertools.cycle(persons), strict=False):
        writer.write(_REQUEST % person.token.encode())
    return list(await asyncio.gather(*(_outcome(*connection, sent_at) for connection in connections)))


async def _outcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent_at: float) -> _Outcome:
    with closing(writer):
        head = await reader.readuntil(b"\r\n\r\n")
    return _Outcome(int(head.split(maxsplit=2)[1]), b"\r\nretry-after:" in head, time.monotonic() - sent_at)
