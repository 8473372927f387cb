"""Requests that are being worked on for as long as a test needs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx2

from tests.e2e.product import Product
from tests.e2e.waiting import until
from tests.factories import Person
from todo.database.engine import connect

WAITING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')"


@asynccontextmanager
async def request_in_flight(product: Product, person: Person) -> AsyncIterator[asyncio.Task[httpx2.Response]]:
    """Send a write that waits for a lock, which is given free when the block ends."""
    url = product.owner_url
    async with connect(url) as watcher, connect(url) as holder, holder.transaction():
        await holder.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", UUID(person.subject))
        request = asyncio.create_task(person.post("/api/todos", json={"title": "In flight"}))
        await until(lambda: watcher.fetchval(WAITING), "the request waits for the lock")
        yield request
