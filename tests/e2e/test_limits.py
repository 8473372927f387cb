"""Limits of one person, on the really started product with two workers."""

import asyncio
import time

import httpx2

from tests.e2e.people import People
from tests.e2e.product import Product
from tests.e2e.waiting import until
from tests.factories import Person

LIMIT = 30
REFILL_SECONDS = 60 / LIMIT
CONNECTIONS = 4


async def test_two_workers_grant_a_person_no_more_than_one_would(
    own_product: Product, people: People
) -> None:
    own_product.start(TODO_WORKERS="2", TODO_RATE_LIMIT=str(LIMIT))
    person = await (await people.newcomer(own_product)).person()
    other = await (await people.newcomer(own_product)).person()
    connections = await connections_to_all_workers(own_product, people)
    before = time.monotonic()

    answers = await asyncio.gather(*(ask_in_turn(person, connection) for connection in connections))

    refilled = int((time.monotonic() - before) / REFILL_SECONDS)
    statuses = [answer.status_code for of_one in answers for answer in of_one]
    waits = {answer.headers.get("retry-after") for of_one in answers for answer in of_one}
    assert len(statuses) == statuses.count(200) + statuses.count(429) >= 2 * LIMIT
    assert LIMIT <= statuses.count(200) <= LIMIT + refilled
    assert waits <= {None, "1", "2"}
    assert (await other.get("/api/todos")).headers["ratelimit"] == f'"person";r={LIMIT - 1};t=2'


async def connections_to_all_workers(product: Product, people: People) -> list[httpx2.AsyncClient]:
    """Open connections, and more of them until every worker has taken one in."""
    workers = product.workers()
    await until(lambda: not any(map(product.is_connected, workers)), "those of before are closed")
    connections: list[httpx2.AsyncClient] = []

    async def are_enough() -> bool:
        connections.append(await people.client(product))
        await connections[-1].get("/health/live")
        return len(connections) >= CONNECTIONS and all(map(product.is_connected, workers))

    await until(are_enough, "every worker has taken in a connection")
    return connections


async def ask_in_turn(person: Person, connection: httpx2.AsyncClient) -> list[httpx2.Response]:
    """Ask one after the other, so that it stays one connection, to one worker."""
    asking = Person(connection, person.token, person.subject)
    return [await asking.get("/api/todos") for _ in range(2 * LIMIT // CONNECTIONS)]
