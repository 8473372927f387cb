"""Searches find what is there, however much of it is in the index, and whoever writes meanwhile."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import Person, Service
from tests.features.todos.test_counts import delete, purge, restore, some
from tests.naive_search import finds
from todo.database.engine import Connection, connect
from todo.database.statements import Statement
from todo.database.transaction import Glance
from todo.database.wire import Row
from todo.features.todos.models import Priority
from todo.features.todos.repository.keys import Question
from todo.features.todos.repository.todo_documents import TodoDocuments
from todo.features.todos.schemas import TodoFilter, TodoSort, TodoStatus
from todo.features.todos.service import index_todos

WORDS = ("milk", "Milch", "mil", "Straße", "İz", "牛乳を買う", "été", "🎂", "x")
QUESTIONS = ("m", "mi", "mil", "milk", "strasse mil", "乳", "乳を買", "ét", "🎂", "x", "nothing")
UNRECORDED = """
WITH next AS (UPDATE users SET change_seq = change_seq + 1 WHERE id = $1 RETURNING change_seq)
INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)
SELECT $1, gen_random_uuid(), 'milk of the release before', now(), now(), 1, change_seq FROM next
"""


@pytest.fixture
async def owner(service: Service) -> AsyncIterator[Connection]:
    async with connect(service.owner_url) as connection:
        yield connection


async def index(service: Service, person: Person, _luck: random.Random | None = None) -> None:
    await index_todos(service.app.state.backend.database, UUID(person.subject))


def new(luck: random.Random) -> dict[str, Any]:
    text = " ".join(luck.choices(WORDS, k=2)) if luck.random() < 0.5 else None
    return {
        "title": " ".join(luck.choices(WORDS, k=2)),
        "description": text,
        "priority": luck.choice(list(Priority)),
    }


async def add(_service: Service, person: Person, luck: random.Random) -> None:
    operations = [{"op": "create", "todo": new(luck)} for _ in range(6)]
    await person.post("/api/todos/batch", json={"operations": operations})


async def bring_in(_service: Service, person: Person, luck: random.Random) -> None:
    todos = [new(luck) | {"is_completed": luck.random() < 0.5} for _ in range(3)]
    content = json.dumps({"format": "todo-evolution", "version": 1, "todos": todos})
    await person.post("/api/account/import", content=content, headers={"content-type": "application/json"})


async def change(_service: Service, person: Person, luck: random.Random) -> None:
    for todo_id in await some(person, luck):
        await person.patch(f"/api/todos/{todo_id}", json=new(luck) | {"is_completed": luck.random() < 0.5})


async def undo(_service: Service, person: Person, _luck: random.Random) -> None:
    activity = (await person.get("/api/activity")).json()
    for action in activity["items"][:1]:
        await person.post("/api/undo", json={"action": action["action"]})


async def write_unrecorded(service: Service, person: Person, _luck: random.Random) -> None:
    async with connect(service.owner_url) as owner:
        await owner.execute(UNRECORDED, UUID(person.subject))


ACTS = (add, add, bring_in, change, change, delete, restore, purge, undo, write_unrecorded, index, index)


async def listed(person: Person, **wanted: Any) -> list[dict[str, Any]]:
    """All that is found, over all pages, which agree on how many that are."""
    items: list[dict[str, Any]] = []
    # Few on a page, so that many matches are met in order; or all on one, so that they are sorted.
    paging: dict[str, Any] = {"limit": 2 if len(wanted.get("q", "")) % 2 else 100}
    while True:
        page = (await person.get("/api/todos", params={**wanted, **paging})).json()
        items += page["items"]
        if page["page"]["next_cursor"] is None:
            assert page["total"] == len(items)
            return items
        paging["cursor"] = page["page"]["next_cursor"]


def text_of(todo: dict[str, Any]) -> str:
    return f"{todo['title']}\n{todo['description'] or ''}"


@settings(max_examples=15)
@given(
    st.lists(st.lists(st.sampled_from(ACTS), max_size=5), min_size=3, max_size=3),
    st.lists(st.sampled_from(QUESTIONS), min_size=2, max_size=2, unique=True),
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(TodoStatus),
            "priority": st.sets(st.sampled_from(Priority)).map(sorted),
            "sort": st.sampled_from(TodoSort),
        }
    ),
    st.integers(0, 2**32),
)
async def test_what_is_found_is_what_is_there_whoever_writes_and_however_much_is_in_the_index(
    service: Service,
    lives: list[list[Any]],
    questions: list[str],
    wanted: dict[str, Any],
    seed: int,
) -> None:
    person, luck = service.person(), random.Random(seed)  # noqa: S311  # to be repeatable
    await add(service, person, luck)

    async def live(acts: list[Any]) -> None:
        for act in acts:
            await act(service, person, luck)

    await asyncio.gather(*(live(acts) for acts in lives))

    there = await listed(person, **wanted)
    for _ in range(2):
        for q in questions:
            assert await listed(person, **wanted, q=q) == [todo for todo in there if finds(q, text_of(todo))]
        await index(service, person)


async def test_what_many_have_in_common_is_found_in_order_and_counted(
    service: Service, alice: Person
) -> None:
    for start in range(0, 300, 100):
        operations = [
            {"op": "create", "todo": {"title": f"{'bread' if number % 2 else 'milk'} {number}"}}
            for number in range(start, start + 100)
        ]
        await alice.post("/api/todos/batch", json={"operations": operations})
    await index(service, alice)

    first = (await alice.get("/api/todos?q=milk&limit=2")).json()
    later = (await alice.get("/api/todos?q=mil&limit=100&offset=50")).json()

    assert [todo["title"] for todo in first["items"]] == ["milk 298", "milk 296"]
    assert [todo["title"] for todo in later["items"]] == [f"milk {number}" for number in range(198, -1, -2)]
    assert first["total"] == later["total"] == 150


async def test_what_is_written_anew_is_found_as_it_is_now_and_once(service: Service, alice: Person) -> None:
    names = ("bread", "milk", "more milk")
    todos = [await alice.make_todo(name) for name in ("milk", "more milk", "bread")]
    await index(service, alice)
    for todo, name in zip(todos, names, strict=True):
        await alice.patch(f"/api/todos/{todo['id']}", json={"title": name})

    before = [todo["id"] for todo in await listed(alice, q="milk")]
    await index(service, alice)
    after = [todo["id"] for todo in await listed(alice, q="milk")]

    assert before == after == [todos[2]["id"], todos[1]["id"]]


async def test_what_was_left_does_not_fill_the_index(
    service: Service, owner: Connection, alice: Person
) -> None:
    todo, other = await alice.make_todo("milk"), await alice.make_todo("bread")
    for number in range(12):
        await alice.patch(f"/api/todos/{todo['id']}", json={"title": f"Number{number}"})
        await index(service, alice)

    words = await owner.fetch(
        "SELECT word FROM todo_words WHERE user_id = $1 AND word LIKE 'number%'", UUID(alice.subject)
    )

    assert 1 <= len(words) <= 3
    assert [todo["id"] for todo in await listed(alice, q="number11")] == [todo["id"]]
    assert [todo["id"] for todo in await listed(alice, q="bre")] == [other["id"]]
    assert await listed(alice, q="number1") == await listed(alice, q="number11")
    assert await listed(alice, q="milk") == []


async def test_who_has_much_that_is_not_in_the_index_is_indexed_after_a_search(
    owner: Connection, alice: Person
) -> None:
    operations = [{"op": "create", "todo": {"title": f"milk {number}"}} for number in range(100)]
    for _ in range(3):
        await alice.post("/api/todos/batch", json={"operations": operations})

    before = (await alice.get("/api/todos?q=milk")).json()["total"]
    is_indexed = "SELECT indexed_seq = change_seq FROM users WHERE id = $1"
    async with asyncio.timeout(10):
        while not await owner.fetchval(is_indexed, UUID(alice.subject)):
            assert (await alice.get("/api/todos?q=milk")).json()["total"] == 300

    assert before == (await alice.get("/api/todos?q=milk")).json()["total"] == 300


class Interrupted:
    """Asks the database, and has somebody write once the first answer is there."""

    def __init__(self, glance: Glance, write: Callable[[], Awaitable[object]]) -> None:
        self.user_id = glance.user_id
        self.reading = glance.reading
        self._glance = glance
        self._writes = [write]

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        row = await self._glance.one(statement, **values)
        while self._writes:
            await self._writes.pop()()
        return row


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_what_is_changed_between_finding_and_showing_is_shown_and_counted_as_it_is_then(
    service: Service, alice: Person, *, is_indexed: bool
) -> None:
    todo, other = await alice.make_todo("milk"), await alice.make_todo("more milk")
    if is_indexed:
        await index(service, alice)
    glance = service.app.state.backend.database.glance(UUID(alice.subject))

    async def change() -> None:
        await alice.patch(f"/api/todos/{todo['id']}", json={"title": "bread"})

    wanted = TodoFilter(q="milk")
    question = Question.of("milk", TodoStatus.ALL, [])
    found, _ = await TodoDocuments(Interrupted(glance, change)).search(question, wanted, None)

    assert [todo["id"] for todo in json.loads(b"[%b]" % found.documents)] == [other["id"]]
    assert found.total == 1


async def test_what_was_purged_and_forgotten_is_not_found_again(
    service: Service, owner: Connection, alice: Person
) -> None:
    kept = await alice.make_todo("milk")
    gone = await alice.make_todo("milk too")
    await index(service, alice)
    await alice.delete(f"/api/todos/{gone['id']}")
    await purge(service, alice, random.Random(0))  # noqa: S311
    await alice.patch(f"/api/todos/{kept['id']}", json={"title": "Milch"})
    await owner.execute(
        "DELETE FROM todo_changes WHERE user_id = $1 AND seq < (SELECT max(seq) FROM todo_changes"
        " WHERE user_id = $1)",
        UUID(alice.subject),
    )

    def totals() -> Any:
        return asyncio.gather(*(listed(alice, q=q) for q in ("milk", "mil")))

    before = await totals()
    await index(service, alice)

    assert [len(found) for found in before] == [0, 1]
    assert await totals() == before


async def test_an_index_that_is_set_back_is_made_anew(
    service: Service, owner: Connection, alice: Person
) -> None:
    todo = await alice.make_todo("milk")
    await index(service, alice)
    await owner.execute("UPDATE users SET indexed_seq = 0 WHERE id = $1", UUID(alice.subject))

    await index(service, alice)

    assert [found["id"] for found in await listed(alice, q="milk")] == [todo["id"]]


async def test_what_has_very_many_words_is_indexed_a_few_todos_at_a_time(
    service: Service, alice: Person
) -> None:
    texts = ["".join(map(chr, range(start, start + 1000))) for start in range(0x4E00, 0x4E00 + 9_000, 1000)]
    operations = [{"op": "create", "todo": {"title": "long", "description": text}} for text in texts]
    await alice.post("/api/todos/batch", json={"operations": operations})

    await index(service, alice)

    assert len(await listed(alice, q="long")) == 9
    for text in (texts[0], texts[-1]):
        assert [todo["description"] for todo in await listed(alice, q=text[500:550])] == [text]


async def test_two_workers_that_fill_an_index_at_once_fill_it_once(service: Service, alice: Person) -> None:
    for _ in range(3):
        await add(service, alice, random.Random(1))  # noqa: S311
    there = await listed(alice, q="m")

    await asyncio.gather(*(index(service, alice) for _ in range(4)))

    assert await listed(alice, q="m") == there


async def test_the_index_goes_with_the_account(service: Service, owner: Connection, alice: Person) -> None:
    await alice.make_todo("milk")
    await index(service, alice)

    await owner.execute("DELETE FROM users WHERE id = $1", UUID(alice.subject))

    for table in ("todo_words", "indexed_todos"):
        left = await owner.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", UUID(alice.subject))
        assert left == 0
