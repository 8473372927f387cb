"""Limits of one person, on the really started product with two workers."""

import asyncio
import time

import httpx2

from tests.e2e.people import People
from tests.e2e.product import Product
from tests.e2e.waiting import until

LIMIT = 30
REFILL_SECONDS = 60 / LIMIT


async def test_two_workers_grant_a_person_no_more_than_one_would(
    own_product: Product, people: People
) -> None:
    own_product.start(TODO_WORKERS="2", TODO_RATE_LIMIT=str(LIMIT))
    person = await (await people.newcomer(own_product)).person()
    other = await (await people.newcomer(own_product)).person()
    connections = await connections_to_all_workers(own_product, people)
    headers = {"authorization": f"Bearer {person.token}"}
    before = time.monotonic()

    answers = await asyncio.gather(
        *(connection.get("/api/todos", headers=headers) for connection in connections)
    )

    refilled = int((time.monotonic() - before) / REFILL_SECONDS)
    granted = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(answers) == len(granted) + len(refused) >= 2 * LIMIT
    assert LIMIT <= len(granted) <= LIMIT + refilled
    assert {answer.headers["retry-after"] for answer in refused} <= {"1", "2"}
    assert (await other.get("/api/todos")).headers["ratelimit"] == f'"person";r={LIMIT - 1};t=2'


async def connections_to_all_workers(product: Product, people: People) -> list[httpx2.AsyncClient]:
    """Open connections that stay open, twice as many as the limit, until every worker has some."""
    connections: list[httpx2.AsyncClient] = []

    async def are_enough() -> bool:
        connections.append(await people.client(product))
        await connections[-1].get("/health/live")
        return len(connections) >= 2 * LIMIT and all(map(product.is_connected, product.workers()))

    await until(are_enough, "every worker has taken in connections")
    return connections
