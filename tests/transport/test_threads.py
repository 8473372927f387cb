"""Requests are served in the loop: a thread for each of their dependencies would cost more than the rest."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from anyio.to_thread import current_default_thread_limiter

from tests.factories import Person


@pytest.fixture
async def no_thread_is_free() -> AsyncIterator[None]:
    """All threads that the framework may use are taken."""
    limiter = current_default_thread_limiter()
    takers = [object() for _ in range(int(limiter.available_tokens))]
    for taker in takers:
        limiter.acquire_on_behalf_of_nowait(taker)
    yield
    for taker in takers:
        limiter.release_on_behalf_of(taker)


@pytest.mark.usefixtures("no_thread_is_free")
async def test_no_request_waits_for_a_thread(alice: Person) -> None:
    async with asyncio.timeout(5):
        todo = await alice.make_todo("Water the plants")
        path = f"/api/todos/{todo['id']}"
        answers = [
            await alice.get(path),
            await alice.get("/api/todos"),
            await alice.patch(path, json={"title": "Water them"}),
            await alice.patch(f"{path}/complete"),
            await alice.post("/api/todos/batch", json={"operations": [{"op": "reopen", "id": todo["id"]}]}),
            await alice.get("/api/todos/changes"),
            await alice.get("/api/keys"),
        ]

    assert [answer.status_code for answer in answers] == [200] * len(answers)
