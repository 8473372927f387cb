"""The pool's metrics tell who holds a connection, who waits, and who waited in vain."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from tests.factories import SECRET
from todo.database.engine import connect, open_pool
from todo.database.measured_pool import MeasuredPool
from todo.database.roles import APP_GROUP, login_of
from todo.database.transaction import Database
from todo.database.url import DatabaseUrl
from todo.problems import Unavailable

USED = ("db_client_connection_count", {"db_client_connection_state": "used"})


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def database(owner_url: DatabaseUrl, registry: CollectorRegistry) -> AsyncIterator[Database]:
    """A database with one connection."""
    async with open_pool(login_of(APP_GROUP, owner_url, SECRET), size=1) as pool:
        yield Database(MeasuredPool(pool, registry))


async def used(registry: CollectorRegistry) -> float | None:
    await asyncio.sleep(0)  # gauges are told once for each turn of the event loop
    return registry.get_sample_value(*USED)


async def test_a_connection_counts_as_used_until_its_transaction_ends(
    database: Database, registry: CollectorRegistry
) -> None:
    async with database.transaction(uuid4()):
        meanwhile = await used(registry)

    assert (meanwhile, await used(registry)) == (1, 0)
    assert registry.get_sample_value("db_client_connection_wait_time_seconds_count") == 1
    assert registry.get_sample_value("db_client_connection_max") == 1


async def test_who_waited_in_vain_is_counted_and_waits_no_more(
    database: Database, registry: CollectorRegistry
) -> None:
    async with database.transaction(uuid4()):
        with pytest.raises(Unavailable):
            await database.ping()

    assert registry.get_sample_value("db_client_connection_timeouts_total") == 1
    assert await used(registry) == 0
    assert registry.get_sample_value("db_client_connection_pending_requests") == 0


async def test_a_connection_that_died_is_given_back_as_well(
    database: Database, registry: CollectorRegistry, owner_url: DatabaseUrl
) -> None:
    await database.ping()
    async with connect(owner_url) as owner:
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename ~ 'todo_app'"
        )

    async with database.transaction(uuid4()):
        pass

    assert await used(registry) == 0
