"""Writing one todo takes one statement, and comes to the same as the rules would have it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import uuid_utils.compat as uuids
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.e2e.waiting import until
from tests.factories import LIMITS, SECRET, Person, Service
from todo.database.engine import connect, open_pool, open_writes
from todo.database.idempotency import Keeping, KeptAnswer, KeptAnswers
from todo.database.pool import Connection, Pool
from todo.database.provenance import PERSON, Client, Provenance
from todo.database.roles import APP_GROUP, login_of
from todo.database.standing import HeldKey
from todo.database.stroke import Stroke
from todo.database.transaction import Database, Messages
from todo.database.wire import ConnectionLost, Row
from todo.features.todos.models import Priority
from todo.features.todos.schemas import TodoBatch, TodoCreate, TodoUpdate
from todo.features.todos.service import TodoWriter, todo_writer
from todo.problems import Unauthenticated, Unavailable

BY_HAND = Provenance(Client(PERSON), "by hand")
NEW = TodoCreate(title="Water the plants")


class Tapped:
    """Connections that take down what is said at one stroke, and break where they are told to.

    Of what is said in a transaction they take down that there is one.
    """

    def __init__(self, pool: Pool, writes: Messages) -> None:
        self._pool = pool
        self._writes = writes
        self.said: list[str] = []
        self.breaks: list[str] = []
        self.speaks = asyncio.Event()

    async def acquire(self, *, timeout: float) -> Connection:  # noqa: ASYNC109  # as a pool has it
        self.said.append("a transaction")
        return await self._pool.acquire(timeout=timeout)

    async def release(self, connection: Connection) -> None:
        await self._pool.release(connection)

    async def ask(self, sql: str, values: Sequence[Any], *, timeout: float) -> Row | None:  # noqa: ASYNC109  # as `Messages` has it
        self.said.append(sql)
        self.speaks.set()
        when = self.breaks.pop() if self.breaks else ""
        if when == "on the way":
            raise ConnectionLost
        row = await self._writes.ask(sql, values, timeout=timeout)
        if when == "on the way back":
            raise ConnectionLost
        return row


@pytest.fixture
async def tap(service: Service) -> AsyncIterator[Tapped]:
    url = login_of(APP_GROUP, service.owner_url, SECRET)
    async with open_pool(url, size=2) as pool, open_writes(url) as writes:
        assert writes
        yield Tapped(pool, writes)


def writer_of(person: Person, tap: Tapped) -> TodoWriter:
    return todo_writer(Stroke(Database(tap, writes=tap), UUID(person.subject), None, BY_HAND), LIMITS)


Act = Callable[[TodoWriter, UUID], Awaitable[Any]]
ALL_FIELDS = TodoUpdate(title="All", description=None, priority=Priority.URGENT, is_completed=True)


@pytest.mark.parametrize(
    ("before", "act"),
    [
        ([], lambda writer, _: writer.create_todo(NEW)),
        ([], lambda writer, _: writer.put_todo(uuids.uuid7(), NEW)),
        ([], lambda writer, it: writer.update_todo(it, TodoUpdate(title="New"))),
        ([], lambda writer, it: writer.update_todo(it, ALL_FIELDS)),
        ([], lambda writer, it: writer.update_todo(it, TodoUpdate(title="New"), {1})),
        ([], lambda writer, it: writer.complete_todo(it)),
        (["complete"], lambda writer, it: writer.reopen_todo(it)),
        ([], lambda writer, it: writer.delete_todo(it, {1})),
        (["delete"], lambda writer, it: writer.restore_todo(it)),
    ],
    ids=["create", "put", "update", "all of it", "a version", "complete", "reopen", "delete", "restore"],
)
async def test_an_ordinary_write_is_one_message(
    alice: Person, tap: Tapped, before: list[str], act: Act
) -> None:
    todo_id = (await alice.make_todo())["id"]
    for verb in before:
        path = f"/api/todos/{todo_id}"
        await (alice.delete(path) if verb == "delete" else alice.patch(f"{path}/{verb}"))

    await act(writer_of(alice, tap), UUID(todo_id))

    assert len(tap.said) == 1


async def test_a_batch_that_only_adds_is_one_message(alice: Person, tap: Tapped) -> None:
    await alice.make_todo()

    await writer_of(alice, tap).batch_todos(ADDING)

    assert len(tap.said) == 1
    assert (await alice.get("/api/todos?limit=1")).json()["total"] == 1 + len(ADDITIONS)


ADDITIONS = [
    {"op": "create", "temp_id": "a", "todo": {"title": 'Ärger\n"hier"', "description": "\\ and \u2028"}},
    *({"op": "create", "todo": {"title": "x", "priority": priority}} for priority in Priority),
    {"op": "create", "todo": {"title": "Last", "description": ""}},
]
ADDING = TodoBatch.model_validate({"operations": ADDITIONS})
THIS_ONE_ALONE = re.compile(r'"id":"[^"]+"|_at":"[^"]+"')


async def test_a_batch_that_only_adds_answers_as_by_the_rules_and_is_one_action(alice: Person) -> None:
    # The first of a new person goes by the rules.
    first, second = [await alice.post("/api/todos/batch", json={"operations": ADDITIONS}) for _ in range(2)]

    assert THIS_ONE_ALONE.sub("", first.text) == THIS_ONE_ALONE.sub("", second.text)
    entries = (await alice.get("/api/activity")).json()["items"]
    added = [result["todo"] for answer in (first, second) for result in answer.json()["results"]]
    assert [entry["todo"] for entry in reversed(entries)] == added
    count = len(ADDITIONS)
    assert [entry["action"] - entry["seq"] for entry in entries] == [*range(1 - count, 1)] * 2


async def test_a_keyed_todo_is_one_message_and_is_not_added_again(alice: Person, tap: Tapped) -> None:
    await alice.make_todo()
    writer = writer_of(alice, tap)

    def keeping(todo_id: UUID) -> Keeping:
        return Keeping("a key", b"what was asked", 201, {"location": str(todo_id)})

    first = await writer.create_todo_once(NEW, keeping)
    said = len(tap.said)
    second = await writer.create_todo_once(NEW, keeping)

    assert first is not None
    assert (said, second) == (1, None)
    assert (await alice.get("/api/todos")).json()["total"] == 2
    async with Database(tap).transaction(UUID(alice.subject)) as transaction:
        kept = await KeptAnswers(transaction).find("a key")
    assert kept == KeptAnswer(b"what was asked", 201, {"location": str(first.id)}, first.body.encode())


@pytest.mark.parametrize("when", ["on the way", "on the way back"])
async def test_a_todo_whose_connection_is_lost_is_added_once_nevertheless(
    alice: Person, tap: Tapped, when: str
) -> None:
    await alice.make_todo()
    tap.breaks = [when]

    todo = await writer_of(alice, tap).create_todo(NEW)

    listed = (await alice.get("/api/todos")).json()
    assert listed["total"] == len(listed["items"]) == 2
    assert listed["items"][0] == todo.read().model_dump(mode="json")


async def test_a_change_whose_connection_was_told_to_end_before_is_made_on_another(
    service: Service, alice: Person, tap: Tapped
) -> None:
    todo_id, writer = UUID((await alice.make_todo())["id"]), writer_of(alice, tap)
    for number in range(1, 21):
        await writer.update_todo(todo_id, TodoUpdate(title=f"No. {number}"))
        await end_all(service)

    assert (await writer.complete_todo(todo_id)).version == number + 2


async def test_a_change_whose_connection_ended_unheard_is_made_on_another(
    service: Service, alice: Person, tap: Tapped
) -> None:
    todo_id, writer = UUID((await alice.make_todo())["id"]), writer_of(alice, tap)
    await writer.update_todo(todo_id, TodoUpdate(title="New"))

    # This loop is held meanwhile, so that it does not hear of the end before it speaks.
    beside(end_all(service))

    assert (await writer.complete_todo(todo_id)).version == 3


async def test_changes_on_their_way_to_a_connection_that_is_told_to_end_are_made_on_another(
    service: Service, alice: Person, tap: Tapped
) -> None:
    ids = [UUID((await alice.make_todo())["id"]) for _ in range(3)]
    writer = writer_of(alice, tap)
    async with connect(service.owner_url) as owner:
        await owner.execute(HOLD)
        # They are on their way when the end comes; not held by a lock, for none is waited for long.
        await owner.execute("SELECT pg_advisory_lock(1)")
        waiting = [asyncio.create_task(writer.complete_todo(todo_id)) for todo_id in ids]
        while await owner.fetchval(WAITING) < 1:
            await owner.execute("SELECT pg_stat_clear_snapshot()")
        await end_all(service)

    assert [(await one).version for one in waiting] == [2, 2, 2]


async def test_a_write_that_is_called_off_on_its_way_is_told_of_for_it_may_be_done(
    alice: Person, tap: Tapped
) -> None:
    await alice.make_todo()
    told = list[UUID]()
    alice_id = UUID(alice.subject)
    database = Database(tap, writes=tap, on_commit=told.append)
    writing = asyncio.create_task(
        todo_writer(Stroke(database, alice_id, None, BY_HAND), LIMITS).create_todo(NEW)
    )
    await tap.speaks.wait()

    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert told == [alice_id]


async def test_a_change_of_a_person_whose_row_is_held_for_long_is_waited_for_elsewhere(
    service: Service, alice: Person, tap: Tapped
) -> None:
    todo_id, bob = UUID((await alice.make_todo())["id"]), service.person()
    await bob.make_todo()
    async with connect(service.owner_url) as owner, owner.transaction():
        await owner.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", UUID(alice.subject))
        waiting = asyncio.create_task(writer_of(alice, tap).complete_todo(todo_id))
        await until(lambda: "a transaction" in tap.said, "it has gone by the rules")

        # Nobody else is held up behind it.
        await writer_of(bob, tap).create_todo(NEW)
        assert not waiting.done()

    assert (await waiting).version == 2


HOLD = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WHILE EXISTS (SELECT FROM pg_locks JOIN pg_database ON database = pg_database.oid
                   WHERE locktype = 'advisory' AND objid = 1 AND datname = current_database()) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER hold AFTER UPDATE ON todos FOR EACH STATEMENT EXECUTE FUNCTION hold();
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND usename LIKE 'todo\\_app%' AND wait_event = 'PgSleep'
"""
# Waits until they are gone.
END_ALL = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
 WHERE datname = current_database() AND usename LIKE 'todo\\_app%'
"""


async def end_all(service: Service) -> None:
    async with connect(service.owner_url) as owner:
        await owner.execute(END_ALL)


def beside(work: Coroutine[Any, Any, None]) -> None:
    with ThreadPoolExecutor() as thread:
        thread.submit(asyncio.run, work).result()


@pytest.mark.parametrize(("when", "version"), [("on the way", 1), ("on the way back", 2)])
async def test_a_change_whose_connection_is_lost_is_not_made_again_unasked(
    alice: Person, tap: Tapped, when: str, version: int
) -> None:
    todo = await alice.make_todo()
    tap.breaks = [when]

    with pytest.raises(Unavailable):
        await writer_of(alice, tap).update_todo(UUID(todo["id"]), TodoUpdate(title="New"))

    assert (await alice.get(f"/api/todos/{todo['id']}")).json()["version"] == version


@pytest.mark.parametrize(
    "act",
    [
        lambda writer, _: writer.create_todo(NEW),
        lambda writer, _: writer.batch_todos(ADDING),
        lambda writer, it: writer.complete_todo(it),
    ],
    ids=["create", "batch", "complete"],
)
async def test_a_token_whose_key_has_ended_writes_nothing(alice: Person, tap: Tapped, act: Act) -> None:
    todo = await alice.make_todo()
    alice_id = UUID(alice.subject)
    ended = Stroke(Database(tap, writes=tap), alice_id, HeldKey(alice_id, uuids.uuid7()), BY_HAND)

    with pytest.raises(Unauthenticated):
        await act(todo_writer(ended, LIMITS), UUID(todo["id"]))

    assert (await alice.get("/api/todos")).json()["items"] == [todo]


TITLES = st.sampled_from(["One", "Two"])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": TITLES,
        "description": st.none() | TITLES,
        "priority": st.sampled_from(["low", "urgent"]),
        "is_completed": st.booleans(),
    },
)
OPERATIONS = st.one_of(
    st.builds(lambda fields: {"op": "update", "changes": fields}, FIELDS),
    st.sampled_from(["complete", "reopen", "delete", "restore"]).map(lambda verb: {"op": verb}),
)
STEPS = st.tuples(st.integers(0, 1), st.none() | st.integers(1, 4), OPERATIONS)


def twice(*operations: dict[str, Any]) -> list[tuple[int, int | None, dict[str, Any]]]:
    return [(0, None, operation) for operation in operations for _ in range(2)]


EACH = twice(
    {"op": "complete"},
    {"op": "update", "changes": {"title": "One", "is_completed": True, "priority": "urgent"}},
    {"op": "reopen"},
    {"op": "update", "changes": {"description": "Two", "is_completed": False}},
    {"op": "update", "changes": {"description": None, "priority": "urgent"}},
    {"op": "update", "changes": {}},
    {"op": "delete"},
    {"op": "complete"},
    {"op": "restore"},
)
SEEN: list[tuple[int, int | None, dict[str, Any]]] = [
    (0, 1, {"op": "complete"}),
    (0, 1, {"op": "reopen"}),
    (0, 2, {"op": "update", "changes": {"title": "One"}}),
    (0, 2, {"op": "delete"}),
    (0, 3, {"op": "delete"}),
    (0, 3, {"op": "restore"}),
    (0, 4, {"op": "restore"}),
]


@settings(max_examples=10)
@given(st.lists(STEPS, max_size=8))
@example(EACH)
@example(SEEN)
async def test_single_writes_come_to_what_a_batch_makes_by_the_rules(
    service: Service, steps: list[tuple[int, int | None, dict[str, Any]]]
) -> None:
    told = []
    for do in (single, in_batch):
        person = service.person()
        ids = [(await person.make_todo(f"No. {number}"))["id"] for number in range(2)]
        statuses = [await do(person, ids[which], operation, version) for which, version, operation in steps]
        told.append((statuses, await state(service, person, ids), await history(person, ids)))

    assert told[0] == told[1]


async def single(person: Person, todo_id: str, operation: dict[str, Any], version: int | None) -> int:
    path, headers = f"/api/todos/{todo_id}", {} if version is None else {"if-match": f'"{version}"'}
    match operation["op"]:
        case "update":
            answer = await person.patch(path, json=operation["changes"], headers=headers)
        case "delete":
            answer = await person.delete(path, headers=headers)
        case verb:
            answer = await person.patch(f"{path}/{verb}", headers=headers)
    return answer.status_code


async def in_batch(person: Person, todo_id: str, operation: dict[str, Any], version: int | None) -> int:
    named = {**operation, "id": todo_id} | ({} if version is None else {"version": version})
    answer = await person.post("/api/todos/batch", json={"operations": [named], "atomic": False})
    return int(answer.json()["results"][0]["status"])


async def state(service: Service, person: Person, ids: list[str]) -> list[Any]:
    """What there is, and how much of each kind is kept count of; of times, whether they are set."""
    pages = [
        (await person.get("/api/todos", params={"status": status})).json() for status in ("all", "deleted")
    ]
    there = [
        timeless(todo, ids)
        for page in pages
        for todo in sorted(page["items"], key=lambda todo: ids.index(todo["id"]))
    ]
    counts = "SELECT todo_counts, todo_count, counted_seq = change_seq FROM users WHERE id = $1"
    async with connect(service.owner_url) as owner:
        return [there, tuple(await owner.fetchrow(counts, UUID(person.subject)) or ())]


async def history(person: Person, ids: list[str]) -> list[Any]:
    page = (await person.get("/api/activity", params={"limit": 100})).json()
    return [
        (
            one["kind"],
            timeless(one["todo"], ids),
            timeless(one["before"], ids),
            one["at"] == one["todo"]["updated_at"],
        )
        for one in page["items"]
    ]


def timeless(fields: dict[str, Any] | None, ids: list[str]) -> dict[str, Any] | None:
    if fields is None:
        return None
    shown: dict[str, Any] = {
        name: bool(value) if name.endswith("_at") else value for name, value in fields.items()
    }
    if "id" in fields:
        shown["id"] = ids.index(fields["id"])
        shown["updated last"] = fields["updated_at"] >= (fields["completed_at"] or fields["created_at"])
    return shown


async def test_of_many_who_change_the_version_they_saw_one_succeeds_each_time(alice: Person) -> None:
    path = f"/api/todos/{(await alice.make_todo('0'))['id']}"

    async def count() -> None:
        while True:
            todo = (await alice.get(path)).json()
            title, version = str(int(todo["title"]) + 1), f'"{todo["version"]}"'
            answer = await alice.patch(path, json={"title": title}, headers={"if-match": version})
            if answer.is_success:
                return
            assert answer.status_code == 412

    await asyncio.gather(*(count() for _ in range(8)))

    assert (await alice.get(path)).json()["title"] == "8"


async def test_whatever_many_change_at_once_is_each_a_version_and_told_in_their_order(alice: Person) -> None:
    path = f"/api/todos/{(await alice.make_todo('0'))['id']}"
    since = (await alice.get("/api/todos/changes")).json()["next"]
    bodies: list[dict[str, Any]] = [{"title": f"No. {number}"} for number in range(8)]
    bodies += [{"priority": "urgent"}, {"priority": "low"}, {"is_completed": True}, {"description": "Twice"}]

    answers = await asyncio.gather(*(alice.patch(path, json=body) for body in bodies))

    changes = (await alice.get("/api/todos/changes", params={"since": since})).json()["changes"]
    told = [change["todo"] for change in changes]
    assert [todo["version"] for todo in told] == list(range(2, len(bodies) + 2))
    assert sorted((answer.json() for answer in answers), key=lambda todo: int(todo["version"])) == told
    assert told[-1] == (await alice.get(path)).json()
    assert [change["at"] for change in changes] == sorted(change["at"] for change in changes)
