"""A stop finishes what has begun."""

import asyncio
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import httpx2

from tests.e2e.product import Product
from tests.e2e.waiting import until
from tests.factories import Person
from tests.torture.bench import Bench
from tests.torture.figures import Results, at_most, exactly, none, shown
from todo.database.engine import Connection, connect

_IN_FLIGHT = 6
_HELD_SECONDS = 1.0
_LONGEST_EXIT_SECONDS = 20.0
_CALLERS = 4
_AT_ONCE_SECONDS = 1.0
# Every so often with two workers, which are stopped in another way than one.
_EVERY = 4
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@dataclass
class _Drains:
    """How all stops went."""

    answers: Counter[int] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    exits: list[float] = field(default_factory=list)
    exit_codes: Counter[int] = field(default_factory=Counter)


async def drain(bench: Bench) -> Results:
    """Twenty times SIGTERM with six writes in flight, held by a lock for a second.

    Promised: all of them are answered 2xx, the exit code is 0 within 20 s, and who calls meanwhile is
    answered or refused at once.
    """
    times = bench.times(20, 3)
    drains = _Drains()
    with bench.product() as product:
        async with bench.people() as people:
            product.start()
            account = await people.newcomer(product)
            await (await account.person()).make_todo()
            product.stop()
            for number in range(times):
                product.start(TODO_WORKERS="1" if number % _EVERY else "2")
                await _stop_at_work(product, await account.person(), drains)
    answered, refused = drains.calls["answered"], drains.calls["refused"]
    return {
        "drain": [
            exactly("requests in flight answered 2xx", drains.answers[201], times * _IN_FLIGHT),
            none("answered otherwise", drains.answers.total() - drains.answers[201]),
            exactly("exit code 0", drains.exit_codes[0], times),
            at_most("slowest exit", max(drains.exits), _LONGEST_EXIT_SECONDS),
            shown("calls meanwhile, answered", answered),
            shown("calls meanwhile, refused", refused),
            none("calls meanwhile, neither", drains.calls.total() - answered - refused),
        ]
    }


async def _stop_at_work(product: Product, person: Person, drains: _Drains) -> None:
    async with connect(product.owner_url) as watcher, connect(product.owner_url) as holder:
        async with holder.transaction():
            await holder.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", UUID(person.subject))
            requests = [asyncio.create_task(_write(person)) for _ in range(_IN_FLIGHT)]
            await until(lambda: _all_wait(watcher), "all requests wait for the lock")
            product.signal(signal.SIGTERM)
            stopped_at = time.monotonic()
            calling = [
                asyncio.create_task(_call(product, stopped_at + _HELD_SECONDS)) for _ in range(_CALLERS)
            ]
            await asyncio.sleep(_HELD_SECONDS)
        drains.answers.update(await asyncio.gather(*requests))
    drains.exit_codes[await asyncio.to_thread(product.wait)] += 1
    drains.exits.append(time.monotonic() - stopped_at)
    for outcomes in await asyncio.gather(*calling):
        drains.calls.update(outcomes)


async def _all_wait(watcher: Connection) -> bool:
    return int(await watcher.fetchval(_WAITING)) >= _IN_FLIGHT


async def _write(person: Person) -> int:
    """Give the status of the answer; 0 if there was none."""
    try:
        response = await person.post("/api/todos", json={"title": "In flight"})
    except httpx2.TransportError:
        return 0
    return response.status_code


async def _call(product: Product, until_when: float) -> Counter[str]:
    """Call on a new connection after the other, until refused, and count how that went."""
    outcomes: Counter[str] = Counter()
    async with httpx2.AsyncClient(base_url=product.address, trust_env=False) as client:
        while time.monotonic() < until_when and not outcomes["refused"]:
            outcomes[await _outcome(client)] += 1
    return outcomes


async def _outcome(client: httpx2.AsyncClient) -> str:
    try:
        async with asyncio.timeout(_AT_ONCE_SECONDS):
            response = await client.get("/health/live", headers={"connection": "close"})
    except httpx2.ConnectError:
        return "refused"
    except (httpx2.TransportError, TimeoutError) as error:
        return type(error).__name__
    return "answered" if response.is_success else str(response.status_code)
