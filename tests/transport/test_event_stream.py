"""How a stream looks, waits and ends, whatever it is about."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from fastapi.sse import ServerSentEvent

from tests.e2e.waiting import until
from tests.factories import Service
from todo.auth.user import Caller
from todo.database.engine import open_pool
from todo.database.notifications import Announcer, Listener
from todo.database.transaction import Database, Transaction
from todo.database.url import DatabaseUrl
from todo.problems import Gone
from todo.transport.event_stream import EventStreams, Seen


@pytest.fixture
async def listener(service: Service) -> AsyncIterator[Listener]:
    """A listener that is believed to hear, so that streams rely on its bell and wait long."""
    async with open_pool(DatabaseUrl.parse(service.wiring.database_url), size=1) as pool:
        listener = Listener(None, Announcer(pool))
        listener.hears = True
        yield listener


@pytest.fixture
async def streams(service: Service, listener: Listener) -> AsyncIterator[EventStreams]:
    """The streams of a worker."""
    async with open_pool(DatabaseUrl.parse(service.wiring.database_url), size=2) as pool:
        yield EventStreams(Database(pool), listener)


def caller() -> Caller:
    return Caller(uuid4(), expires_at=time.time() + 600)


async def all_of(events: AsyncIterator[ServerSentEvent]) -> list[tuple[str | None, object]]:
    async with asyncio.timeout(10):
        return [(event.event, event.data) async for event in events]


async def test_what_happens_during_a_look_is_looked_for_at_once(
    streams: EventStreams, listener: Listener
) -> None:
    looks: list[str | None] = []

    async def look(_transaction: Transaction, since: str | None) -> Seen:
        looks.append(since)
        if len(looks) < 4:
            listener.ring_all()
        return Seen([], str(len(looks)), has_more=False)

    with streams.opened(caller()) as stream:
        reading = asyncio.create_task(all_of(await stream.begin(look, None)))
        await until(lambda: len(looks) == 4, "it has looked again after each", seconds=5)
        streams.end_all()
        await reading

    assert looks == [None, "1", "2", "3"]


async def test_readiness_is_told_once_and_after_the_last_of_what_there_was(
    streams: EventStreams, listener: Listener
) -> None:
    pages = iter([True, True, False, True, False])

    async def look(_transaction: Transaction, _since: str | None) -> Seen:
        listener.ring_all()
        has_more = next(pages, None)
        if has_more is None:
            streams.end_all()
        return Seen([ServerSentEvent(event="change", data={})], "token", has_more=bool(has_more))

    with streams.opened(caller()) as stream:
        events = await all_of(await stream.begin(look, None))

    assert [name for name, _ in events] == [*["change"] * 3, "ready", *["change"] * 3, "end"]


async def test_a_quiet_stream_repeats_in_time_from_where_to_go_on(
    service: Service, listener: Listener
) -> None:
    tokens = iter(["first", "second", "third"])

    async def look(_transaction: Transaction, _since: str | None) -> Seen:
        listener.ring_all()
        token = next(tokens)
        if token == "third":  # noqa: S105  # not of the kind that opens doors
            quiet.end_all()
        return Seen([], token, has_more=False)

    async with open_pool(DatabaseUrl.parse(service.wiring.database_url), size=1) as pool:
        quiet = EventStreams(Database(pool), listener, ready_every_seconds=0)
        with quiet.opened(caller()) as stream:
            events = [(event.event, event.id) async for event in await stream.begin(look, None)]

    assert events == [("ready", "first"), ("ready", "second"), ("ready", "third"), ("end", None)]


async def test_a_refusal_in_the_middle_ends_the_stream_and_is_named(
    streams: EventStreams, listener: Listener
) -> None:
    async def look(_transaction: Transaction, since: str | None) -> Seen:
        listener.ring_all()
        if since is not None:
            raise Gone
        return Seen([], "token", has_more=False)

    with streams.opened(caller()) as stream:
        events = await all_of(await stream.begin(look, None))

    assert events == [("ready", {}), ("end", {"reason": "gone"})]
