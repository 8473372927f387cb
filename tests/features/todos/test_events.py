"""The stream of changes: every change as it is made, in order, none left out and none twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests.e2e.waiting import until
from tests.factories import LIMITS, SECRET, Person, Service
from tests.streams import Stream, following, served, worker
from todo.app import create_app
from todo.database.engine import connect, open_pool
from todo.database.provenance import BY_UPKEEP
from todo.database.stroke import Stroke
from todo.database.transaction import Database
from todo.database.url import DatabaseUrl
from todo.features.todos.schemas import TodoCreate
from todo.features.todos.service import todo_writer
from todo.transport.event_stream import OPEN_PER_PERSON
from todo.transport.paging import CursorSigner

LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"


@pytest.fixture(scope="module")
async def reachable(service: Service) -> AsyncIterator[Service]:
    """A worker that is reached over HTTP."""
    async with worker(service) as reachable:
        yield reachable


@pytest.fixture
def alice(reachable: Service) -> Person:
    """A person nobody has seen before."""
    return reachable.person()


@pytest.fixture
def bob(reachable: Service) -> Person:
    """Another person nobody has seen before."""
    return reachable.person()


async def feed(person: Person, since: str) -> list[dict[str, Any]]:
    response = await person.get("/api/todos/changes", params={"since": since, "limit": 1000})
    assert response.status_code == 200, response.text
    changes: list[dict[str, Any]] = response.json()["changes"]
    return changes


async def make_many(person: Person, count: int) -> list[str]:
    operations = [{"op": "create", "todo": {"title": f"No. {n}"}} for n in range(count)]
    answer = await person.post("/api/todos/batch", json={"operations": operations})
    return [result["todo"]["id"] for result in answer.json()["results"]]


def ids(events: list[httpx2.ServerSentEvent]) -> list[str]:
    """The todos that these events are about."""
    assert {event.event for event in events} <= {"change"}
    return [json.loads(event.data)["id"] for event in events]


async def refused(person: Person, **options: Any) -> tuple[int, str]:
    response = await person.get("/api/events", **options)
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["error_code"]


async def test_a_stream_begins_now_with_a_token_to_go_on_from(alice: Person) -> None:
    await alice.make_todo("Before")
    async with following(alice) as stream:
        ready = await stream.next()

    todo = await alice.make_todo("After")
    assert (ready.event, ready.json(), ready.retry) == ("ready", {}, 2000)
    assert [change["id"] for change in await feed(alice, ready.id)] == [todo["id"]]


async def test_a_change_is_streamed_as_the_feed_tells_it(alice: Person) -> None:
    async with following(alice) as stream:
        ready = await stream.next()
        todo = await alice.make_todo()
        await alice.patch(f"/api/todos/{todo['id']}/complete")
        events = await stream.take(2)

    assert [event.event for event in events] == ["change", "change"]
    assert [event.json() for event in events] == await feed(alice, ready.id)
    assert [change["kind"] for change in await feed(alice, events[0].id)] == ["completed"]


async def test_it_is_sent_as_a_stream_that_no_proxy_keeps_back(alice: Person) -> None:
    async with following(alice) as stream:
        headers = stream.response.headers

    assert headers["content-type"].startswith("text/event-stream")
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-cache", "no")


@pytest.mark.parametrize("way", ["since", "last_event_id"])
async def test_a_stream_goes_on_after_the_last_event_that_was_seen(alice: Person, way: str) -> None:
    async with following(alice) as stream:
        await stream.next()
        first = await alice.make_todo("Seen")
        last = await stream.next()
    second = await alice.make_todo("Missed")

    async with following(alice, **{way: last.id}) as stream:
        missed, ready = await stream.take(2)
        third = await alice.make_todo("Live")
        live = await stream.next()

    assert ids([last, missed, live]) == [first["id"], second["id"], third["id"]]
    assert (ready.event, await feed(alice, ready.id)) == ("ready", [live.json()])


async def test_the_token_of_the_feed_begins_a_stream_and_the_last_event_goes_before_it(alice: Person) -> None:
    token = (await alice.get("/api/todos/changes")).json()["next"]
    await alice.make_todo("First")
    second = await alice.make_todo("Second")

    async with following(alice, since=token) as stream:
        first_event, second_event, _ = await stream.take(3)
    async with following(alice, since=token, last_event_id=first_event.id) as stream:
        later = await stream.next()

    assert ids([second_event, later]) == [second["id"], second["id"]]


async def test_what_was_missed_comes_whole_and_in_order_however_much_it_is(alice: Person) -> None:
    token = (await alice.get("/api/todos/changes")).json()["next"]
    made = [todo_id for _ in range(3) for todo_id in await make_many(alice, 90)]

    async with following(alice, since=token) as stream:
        events = await stream.take(len(made))
        ready = await stream.next()

    assert ids(events) == made
    assert ready.event == "ready"


async def test_a_follower_misses_nothing_and_sees_nothing_twice_while_eight_write(alice: Person) -> None:
    async def write() -> list[str]:
        return [str((await alice.make_todo(f"No. {n}"))["id"]) for n in range(25)]

    async with following(alice) as stream:
        ready = await stream.next()
        written = await asyncio.gather(*(write() for _ in range(8)))
        events = await stream.take(200)
        last = await alice.make_todo("Last")
        after = await stream.next()

    assert sorted(ids(events)) == sorted(todo_id for one in written for todo_id in one)
    assert [event.json() for event in [*events, after]] == await feed(alice, ready.id)
    assert ids([after]) == [last["id"]]


async def test_nobody_follows_another_person(alice: Person, bob: Person) -> None:
    async with following(alice) as stream:
        ready = await stream.next()
        await bob.make_todo("His")
        hers = await alice.make_todo("Hers")
        event = await stream.next()

    assert ids([event]) == [hers["id"]]
    assert await refused(bob, params={"since": ready.id}) == (422, "validation_failed")


async def test_a_change_on_one_worker_is_heard_on_another(service: Service, alice: Person) -> None:
    async with worker(service) as another, following(alice) as stream:
        await stream.next()
        todo = await Person(another.client, alice.token, alice.subject).make_todo()
        event = await stream.next(seconds=5)

    assert ids([event]) == [todo["id"]]


async def test_a_token_that_is_too_old_is_gone(alice: Person) -> None:
    written_at = datetime.now(UTC) - timedelta(days=31)
    token = CursorSigner(SECRET, UUID(alice.subject)).write(
        json.dumps([0, written_at.isoformat()]), "changes"
    )

    assert await refused(alice, params={"since": token}) == (410, "changes_forgotten")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"params": {"since": "abc"}}, ("query", "/since", "invalid_cursor")),
        ({"headers": {"last-event-id": "abc"}}, ("header", "/Last-Event-ID", "invalid_cursor")),
        ({"headers": {"last-event-id": "x" * 3_000}}, ("header", "/Last-Event-ID", "too_long")),
        ({"params": {"limit": "3"}}, ("query", "/limit", "extra_forbidden")),
    ],
)
async def test_what_is_no_token_is_refused_where_it_stood(
    alice: Person, options: dict[str, Any], error: tuple[str, str, str]
) -> None:
    response = await alice.get("/api/events", **options)

    assert response.status_code == 422
    assert [(said["location"], said["pointer"], said["code"]) for said in response.json()["errors"]] == [
        error
    ]


async def test_ten_streams_are_open_at_once_and_an_eleventh_when_one_is_closed(
    alice: Person, bob: Person
) -> None:
    async with AsyncExitStack() as stack, AsyncExitStack() as first:
        await first.enter_async_context(following(alice))
        for _ in range(OPEN_PER_PERSON - 1):
            await stack.enter_async_context(following(alice))
        eleventh = await alice.get("/api/events")
        await stack.enter_async_context(following(bob))
        await first.aclose()

        async def is_opened() -> bool:
            return (await alice.request("HEAD", "/api/events")).status_code == 200

        await until(is_opened, "the place is free again")

    assert (eleventh.status_code, eleventh.json()["error_code"]) == (429, "too_many_streams")
    assert eleventh.headers["retry-after"] == "10"


async def test_to_head_the_answer_is_complete_without_the_events(alice: Person) -> None:
    one = httpx2.Limits(max_connections=1)
    async with httpx2.AsyncClient(base_url=alice.client.base_url, limits=one, timeout=5) as client:
        person = Person(client, alice.token, alice.subject)
        response = await person.request("HEAD", "/api/events")
        next_on_the_same_connection = await person.get("/api/todos")

    assert response.status_code == next_on_the_same_connection.status_code == 200
    assert (response.headers["content-type"].split(";")[0], response.content) == ("text/event-stream", b"")


async def test_streams_that_wait_hold_no_connection_to_the_database(service: Service) -> None:
    async with worker(service, pool_size=1) as small, AsyncExitStack() as stack:
        people = [small.person() for _ in range(5)]
        streams = [await stack.enter_async_context(following(person)) for person in people]
        made = [(await person.make_todo())["id"] for person in people]
        events = [(await stream.take(2))[-1] for stream in streams]

    assert ids(events) == made


async def test_a_stream_ends_with_the_access_token_and_says_so(reachable: Service, alice: Person) -> None:
    soon = int(datetime.now(UTC).timestamp()) + 2
    short = Person(alice.client, reachable.issuer.token(alice.subject, exp=soon), alice.subject)

    async with following(short) as stream:
        ready, end = await stream.rest()

    assert (ready.event, end.event, end.json()) == ("ready", "end", {"reason": "token_expired"})
    assert end.id == ready.id
    assert datetime.now(UTC).timestamp() >= soon


async def test_when_the_server_stops_streams_end_at_once_and_say_so(service: Service) -> None:
    app = create_app(service.wiring)
    alice = service.person()
    async with (
        served(app) as (server, address),
        httpx2.AsyncClient(base_url=address) as client,
        following(Person(client, alice.token, alice.subject)) as stream,
    ):
        await stream.next()
        server.should_exit = True
        events = await stream.rest()

    assert [(event.event, event.json()) for event in events] == [("end", {"reason": "server_stopping"})]


async def test_without_its_database_a_stream_does_not_begin(service: Service) -> None:
    async with worker(service, database_url="postgresql://nobody@127.0.0.1:1/none") as lonely:
        assert await refused(lonely.person()) == (503, "unavailable")


@pytest.mark.parametrize("address", ["unknown", "of another database", "of nobody"])
async def test_where_nothing_is_heard_streams_ask_by_themselves(service: Service, address: str) -> None:
    elsewhere = {
        "unknown": None,
        # As behind a pooler, what is listened to is not what is spoken to.
        "of another database": str(replace_database(service.wiring.database_url, "postgres")),
        "of nobody": "postgresql://nobody@127.0.0.1:1/none",
    }
    async with worker(service, listen_url=elsewhere[address]) as deaf:
        person = deaf.person()
        async with following(person) as stream:
            await stream.next()
            todo = await person.make_todo()
            event = await stream.next(seconds=5)

    assert ids([event]) == [todo["id"]]


def replace_database(url: str, name: str) -> DatabaseUrl:
    parsed = DatabaseUrl.parse(url)
    return DatabaseUrl(parsed.user, parsed.password, parsed.location, name, parsed.parameters)


async def test_a_quiet_stream_gives_a_sign_of_life_and_sees_by_then_what_nobody_told_of(
    service: Service, alice: Person, bob: Person
) -> None:
    async with following(alice) as stream, following(bob) as quiet, connect(service.owner_url) as owner:
        await stream.next()
        await until(lambda: owner.fetchval(f"SELECT count(*) {LISTENERS}"), "the worker listens")
        todo_id = await make_without_telling(service, alice)
        event, lines = await asyncio.gather(stream.next(), lines_to(quiet, ": ping"))

    assert ids([event]) == [todo_id]
    assert lines[-2:] == ["", ": ping"]


async def make_without_telling(service: Service, person: Person) -> str:
    async with open_pool(DatabaseUrl.parse(service.wiring.database_url), size=1) as pool:
        silent = Stroke(Database(pool), UUID(person.subject), None, BY_UPKEEP)
        todo = await todo_writer(silent, LIMITS).create_todo(TodoCreate(title="Hush"))
    return str(todo.id)


async def lines_to(stream: Stream, last: str) -> list[str]:
    lines: list[str] = []
    async with asyncio.timeout(20):
        async for line in stream.response.aiter_lines():
            lines.append(line)
            if line == last:
                break
    return lines


async def test_a_lost_line_is_replaced_and_nothing_is_missed(service: Service, alice: Person) -> None:
    async with following(alice) as stream, connect(service.owner_url) as owner:
        await stream.next()
        made = []
        for _ in range(3):
            await until(lambda: owner.fetchval(f"SELECT count(*) {LISTENERS}"), "the worker listens")
            await owner.execute(f"SELECT pg_terminate_backend(pid) {LISTENERS}")
            made.append((await alice.make_todo())["id"])
        events = await stream.take(3)

    assert ids(events) == made
