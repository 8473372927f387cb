"""What can happen to a product at work. Each fault gives the moment from which it could work again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psutil

from tests.e2e.postgres import ForeignServer
from tests.e2e.product import Product
from tests.e2e.waiting import until
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

AWAY_SECONDS = 8.0
TWO_WORKERS = {"TODO_WORKERS": "2"}
_RESTARTS = 20
_RESTART_PAUSE_SECONDS = 0.1
# No lock holds them, for a write does not wait for one for long.
_HELD = """
CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    WHILE EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER hold AFTER INSERT OR UPDATE ON todos FOR EACH STATEMENT EXECUTE FUNCTION hold();
"""
_WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%todos%'"
# As many as are sent at once where all who write are connected to one worker.
_WAITING = f"SELECT ({_WAITERS}) >= 3"
_GIVEN_FREE = f"SELECT ({_WAITERS}) = 0"

# Takes the product and how many faults came before.
Fault = Callable[[Product, int], Awaitable[float]]


async def kill_worker(product: Product, _number: int) -> float:
    """Kill the worker that most requests are at; the other one goes on."""
    busiest = max(product.workers(), key=lambda worker: _connections(product, worker))
    busiest.kill()
    return time.monotonic()


async def kill_workers(product: Product, _number: int) -> float:
    """Kill every worker while PostgreSQL works on what they said to it, and leave it to do that.

    A write takes one message, so a kill by chance seldom meets one between its commit and its answer. Here
    the writes are held until those are dead whom PostgreSQL would answer, and are committed then.
    """
    async with connect(product.owner_url) as watcher, connect(product.owner_url) as holder:
        await holder.execute(_HELD)
        async with holder.transaction():
            await holder.execute("SELECT pg_advisory_xact_lock(1)")
            await until(lambda: watcher.fetchval(_WAITING), "writes wait for the lock")
            workers = product.workers()
            for worker in workers:
                worker.kill()
            await until(lambda: not any(map(_is_alive, workers)), "the workers are dead")
        moment = time.monotonic()
        await until(lambda: watcher.fetchval(_GIVEN_FREE), "what waited is done")
    return moment


async def kill_parent(product: Product, _number: int) -> float:
    """Kill the parent and start it again."""
    await asyncio.to_thread(product.kill_parent)
    moment = time.monotonic()
    await start_again(product)
    return moment


async def kill_everything(product: Product, _number: int) -> float:
    """Kill every process, PostgreSQL's too, and start it again."""
    await asyncio.to_thread(product.kill_everything)
    moment = time.monotonic()
    await start_again(product)
    return moment


async def kill_postgres(product: Product, number: int) -> float:
    """Kill PostgreSQL: by turns all of its processes, and only the first, which the others must notice."""
    processes = product.postgres()
    victims = processes if number % 2 else processes[:1]
    for process in victims:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    await until(lambda: not processes[0].is_running(), "PostgreSQL is dead")
    return await accepting(product.owner_url)


async def start_again(product: Product) -> None:
    """Start it as an init system does: when it ends at once, again after a moment."""
    for number in range(1, _RESTARTS + 1):
        try:
            await asyncio.to_thread(product.start, **TWO_WORKERS)
        except AssertionError:
            if number == _RESTARTS:
                raise
            await asyncio.sleep(_RESTART_PAUSE_SECONDS)
        else:
            return


def away(server: ForeignServer) -> Fault:
    """Give the fault of this server being away for a while."""

    async def take_away(_product: Product, _number: int) -> float:
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(AWAY_SECONDS)
        starting = asyncio.create_task(asyncio.to_thread(server.start))
        moment = await accepting(server.url)
        await starting
        return moment

    return take_away


async def accepting(url: DatabaseUrl) -> float:
    """Wait until the database accepts connections, and give the moment it did."""

    async def is_accepting() -> bool:
        try:
            async with connect(url):
                return True
        except CannotStart:
            return False

    await until(is_accepting, "the database accepts connections", seconds=60)
    return time.monotonic()


def _is_alive(process: psutil.Process) -> bool:
    return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)


def _connections(product: Product, process: psutil.Process) -> int:
    links = process.net_connections(kind="tcp")
    return sum(link.laddr.port == product.port and link.status == psutil.CONN_ESTABLISHED for link in links)
