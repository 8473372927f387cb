"""What one worker tells, another hears; and nobody listens for nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import pytest

from tests.e2e.waiting import until
from tests.factories import SECRET
from todo.database.engine import connect, open_pool
from todo.database.notifications import Announcer, Listener
from todo.database.roles import APP_GROUP, login_of
from todo.database.url import DatabaseUrl

LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"


@asynccontextmanager
async def worker(owner_url: DatabaseUrl) -> AsyncIterator[tuple[Announcer, Listener]]:
    """What a worker tells with, and what it hears with."""
    url = login_of(APP_GROUP, owner_url, SECRET)
    async with open_pool(url, size=2) as pool:
        announcer = Announcer(pool)
        listener = Listener(url, announcer)
        async with announcer.telling(), listener.listening():
            yield announcer, listener


async def rings(bell: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await bell.wait()


async def test_what_one_worker_notes_another_hears(owner_url: DatabaseUrl) -> None:
    alice, bob = uuid4(), uuid4()
    async with worker(owner_url) as (announcer, _), worker(owner_url) as (_, listener):
        with listener.bell(alice) as hers, listener.bell(bob) as his:
            await until(lambda: listener.hears, "it hears")
            hers.clear()
            his.clear()

            announcer.note(alice)

            await rings(hers)
            assert not his.is_set()


async def test_a_thousand_people_at_once_are_told_of(owner_url: DatabaseUrl) -> None:
    people = [uuid4() for _ in range(1_000)]
    async with worker(owner_url) as (announcer, listener), AsyncExitStack() as stack:
        bells = [stack.enter_context(listener.bell(person)) for person in people]
        await until(lambda: listener.hears, "it hears")
        for bell in bells:
            bell.clear()

        for person in people:
            announcer.note(person)

        await asyncio.gather(*map(rings, bells))


async def test_what_was_noted_last_is_told_before_the_end(owner_url: DatabaseUrl) -> None:
    alice = uuid4()
    async with worker(owner_url) as (_, listener):
        with listener.bell(alice) as bell:
            await until(lambda: listener.hears, "it hears")
            bell.clear()
            async with worker(owner_url) as (announcer, _):
                announcer.note(alice)

            await rings(bell)


async def test_a_lost_line_is_replaced_and_everybody_looks(owner_url: DatabaseUrl) -> None:
    async with worker(owner_url) as (_, listener), connect(owner_url) as owner:
        with listener.bell(uuid4()) as bell:
            await until(lambda: listener.hears, "it hears")
            bell.clear()

            await owner.execute(f"SELECT pg_terminate_backend(pid) {LISTENERS}")

            await rings(bell)
            await until(lambda: listener.hears, "it hears again")


async def test_nobody_listens_while_nobody_waits(owner_url: DatabaseUrl) -> None:
    async with worker(owner_url) as (announcer, listener), connect(owner_url) as owner:
        announcer.note(uuid4())
        before = await owner.fetchval(f"SELECT count(*) {LISTENERS}")
        with listener.bell(uuid4()):
            await until(lambda: listener.hears, "it hears")
            meanwhile = await owner.fetchval(f"SELECT count(*) {LISTENERS}")

    assert (before, meanwhile) == (0, 1)


async def test_without_an_address_nothing_is_heard(owner_url: DatabaseUrl) -> None:
    async with open_pool(login_of(APP_GROUP, owner_url, SECRET), size=1) as pool:
        listener = Listener(None, Announcer(pool))
        async with listener.listening():
            with listener.bell(uuid4()) as bell:
                assert not listener.hears
                assert not bell.is_set()


@pytest.mark.parametrize("payload", ["", "nonsense", " ".join(["x"] * 3_000)])
async def test_what_somebody_else_says_on_the_channel_does_no_harm(
    owner_url: DatabaseUrl, payload: str
) -> None:
    alice = uuid4()
    async with worker(owner_url) as (announcer, listener), connect(owner_url) as owner:
        with listener.bell(alice) as bell:
            await until(lambda: listener.hears, "it hears")
            bell.clear()
            await owner.execute("SELECT pg_notify('todo_changes', $1)", payload)

            announcer.note(alice)

            await rings(bell)
