"""Streams of changes of the started product: across workers, outages of the database, and stops."""

import json
import signal
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx2
import psutil

from tests.e2e.people import Account, People
from tests.e2e.product import Product
from tests.e2e.waiting import until, until_answered
from tests.factories import Person
from tests.streams import Stream, following


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        process.kill()


def worker_of(product: Product, stream: Stream) -> psutil.Process:
    """The worker at the other end of a stream."""
    _, port = stream.response.extensions["network_stream"].get_extra_info("client_addr")
    return next(
        worker
        for worker in product.workers()
        if any(link.raddr and link.raddr.port == port for link in worker.net_connections(kind="tcp"))
    )


async def made_after_the_outage(person: Person) -> str:
    """Add a todo as soon as that is possible again, and once."""
    key = {"idempotency-key": uuid4().hex}
    answers = await until_answered(
        lambda: person.post("/api/todos", json={"title": "After"}, headers=key), 201, seconds=30
    )
    return str(answers[-1].json()["id"])


def ids(events: list[httpx2.ServerSentEvent]) -> list[str]:
    assert {event.event for event in events} == {"change"}
    return [json.loads(event.data)["id"] for event in events]


async def assert_a_stop_ends_streams(product: Product, people: People) -> None:
    """Stop it while somebody listens, and check that the stream is ended, at once and whole."""
    person = await (await people.newcomer(product)).person()
    async with following(person) as stream:
        await stream.next()
        product.signal(signal.SIGTERM)
        # A stream that broke off would raise here.
        events = await stream.rest()

    assert [(event.event, event.json()) for event in events] == [("end", {"reason": "server_stopping"})]
    assert product.wait() == 0


async def test_a_stream_outlives_crashes_of_the_database_and_tells_every_change_once(
    alone: Product, people: People
) -> None:
    person = await (await people.newcomer(alone)).person()
    async with following(person) as stream:
        await stream.next()
        made: list[str] = []
        for _ in range(2):
            made.append((await person.make_todo("Before"))["id"])
            kill(alone.postgres())
            made.append(await made_after_the_outage(person))
        last = await person.make_todo("Last")

        assert ids(await stream.take(5)) == [*made, last["id"]]


async def test_a_stream_outlives_a_database_that_hangs(alone: Product, people: People) -> None:
    person = await (await people.newcomer(alone)).person()
    async with following(person) as stream:
        await stream.next()
        hanging = alone.postgres()
        for process in hanging:
            process.suspend()
        await until_answered(lambda: person.get("/api/todos"), 503)
        for process in hanging:
            process.resume()
        todo_id = await made_after_the_outage(person)

        assert ids([await stream.next()]) == [todo_id]


async def test_a_stop_ends_open_streams_at_once_and_whole(alone: Product, people: People) -> None:
    await assert_a_stop_ends_streams(alone, people)


async def test_streams_on_every_worker_tell_of_a_change_on_one(pair: Product, people: People) -> None:
    person = await (await people.newcomer(pair)).person()
    async with AsyncExitStack() as stack:
        streams: list[Stream] = []

        async def is_shared() -> bool:
            device = Person(await people.client(pair), person.token, person.subject)
            streams.append(await stack.enter_async_context(following(device)))
            return {worker_of(pair, stream) for stream in streams} == set(pair.workers())

        await until(is_shared, "every worker has a stream")
        todo = await person.make_todo()

        for stream in streams:
            assert ids((await stream.take(2))[1:]) == [todo["id"]]


async def test_a_stop_of_two_workers_ends_open_streams_at_once_and_whole(
    pair: Product, people: People
) -> None:
    await assert_a_stop_ends_streams(pair, people)


async def test_a_stream_ends_with_its_session(account: Account, people: People, product: Product) -> None:
    person = await account.person()
    elsewhere = await (await people.again(product, account)).person()
    async with following(person) as stream:
        await stream.next()
        await account.ask("POST", "sign-out")
        await elsewhere.make_todo()
        events = await stream.rest()

    assert [(event.event, event.json()) for event in events] == [("end", {"reason": "session_ended"})]
