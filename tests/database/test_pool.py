"""The pool lends a connection to whoever has waited longest, and loses none."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from tests.e2e.waiting import until
from tests.factories import SECRET
from todo.database.engine import dial
from todo.database.pool import Connection, Pool
from todo.database.roles import APP_GROUP, login_of
from todo.database.url import DatabaseUrl

Dial = Callable[[], Awaitable[Connection]]


@pytest.fixture
def connected(owner_url: DatabaseUrl) -> Dial:
    return lambda: dial(login_of(APP_GROUP, owner_url, SECRET))


@pytest.fixture
async def pool(connected: Dial) -> AsyncIterator[Pool]:
    """A pool of one connection."""
    async with Pool(connected, size=1) as opened:
        yield opened


async def begun(waiting: Awaitable[Connection]) -> asyncio.Task[Connection]:
    """Start to wait for a connection."""
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    return task


async def is_usable(pool: Pool) -> bool:
    async with pool.lent(timeout=1) as connection:
        return bool(await connection.fetchval("SELECT true"))


async def test_nobody_who_comes_by_overtakes_who_waits(pool: Pool) -> None:
    order = list[str]()

    async def ask(name: str) -> None:
        async with pool.lent(timeout=5):
            order.append(name)

    held = await pool.acquire(timeout=1)
    waiting = [asyncio.create_task(ask(name)) for name in ("first", "second")]
    await asyncio.sleep(0)
    await pool.release(held)
    await ask("came by")
    await asyncio.gather(*waiting)

    assert order == ["first", "second", "came by"]


async def test_with_many_callers_everybody_has_as_many_turns(pool: Pool) -> None:
    turns = Counter[int]()
    is_enough = asyncio.Event()

    async def ask_again_and_again(number: int) -> None:
        while not is_enough.is_set():
            async with pool.lent(timeout=5) as connection:
                await connection.fetchval("SELECT 1")
            turns[number] += 1
            if turns[number] == 20:
                is_enough.set()

    await asyncio.gather(*map(ask_again_and_again, range(16)))

    assert max(turns.values()) - min(turns.values()) <= 1


async def test_who_waits_in_vain_is_told_and_takes_nobodys_turn(pool: Pool) -> None:
    held = await pool.acquire(timeout=1)
    with pytest.raises(TimeoutError):
        await pool.acquire(timeout=0.01)
    waiting = await begun(pool.acquire(timeout=5))
    await pool.release(held)

    assert await waiting is held
    await pool.release(held)


async def test_a_connection_that_comes_when_the_wait_is_given_up_is_not_lost(pool: Pool) -> None:
    held = await pool.acquire(timeout=1)
    waiting = await begun(pool.acquire(timeout=5))
    await pool.release(held)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert await pool.acquire(timeout=1) is held
    await pool.release(held)


async def test_a_connection_that_was_closed_makes_room_for_a_new_one(pool: Pool) -> None:
    held = await pool.acquire(timeout=1)
    waiting = await begun(pool.acquire(timeout=5))
    held.terminate()
    await pool.release(held)

    successor = await waiting
    assert await successor.fetchval("SELECT 1") == 1
    await pool.release(successor)


async def test_an_open_transaction_is_never_handed_on(pool: Pool) -> None:
    async with pool.lent(timeout=1) as connection:
        await connection.execute("BEGIN")

    async with pool.lent(timeout=1) as successor:
        assert successor is not connection
        assert not successor.is_in_transaction()


async def test_who_could_not_connect_leaves_room_for_the_next(connected: Dial) -> None:
    outcomes = [ConnectionRefusedError(), None]

    async def dial_at_the_second_try() -> Connection:
        await asyncio.sleep(0)
        if error := outcomes.pop(0):
            raise error
        return await connected()

    async with Pool(dial_at_the_second_try, size=1) as pool:
        refused = await begun(pool.acquire(timeout=1))
        waiting = await begun(pool.acquire(timeout=1))
        with pytest.raises(ConnectionRefusedError):
            await refused
        await pool.release(await waiting)

        assert await is_usable(pool)


async def test_a_connection_nobody_needs_is_closed_and_opened_again(connected: Dial) -> None:
    async with Pool(connected, size=1, idle_seconds=0.01) as pool:
        async with pool.lent(timeout=1) as connection:
            pass
        await until(connection.is_closed, "it is closed")

        assert await is_usable(pool)


async def test_the_end_waits_for_what_is_lent_and_turns_away_who_waits(connected: Dial) -> None:
    async with Pool(connected, size=1) as pool:
        held = await pool.acquire(timeout=1)
        waiting = await begun(pool.acquire(timeout=5))
        ending = asyncio.create_task(pool.__aexit__())
        with pytest.raises(asyncpg.InterfaceError):
            await waiting

        assert await held.fetchval("SELECT 1") == 1
        assert not ending.done()
        await pool.release(held)
        await ending
        assert held.is_closed()
