"""The totals that are kept are those of the rows, whatever writers do and whenever they are cut off."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import uuid_utils.compat as uuids
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import Person, Service
from todo.database.engine import Connection, connect
from todo.database.provenance import PERSON, Client, Provenance
from todo.features.todos.models import Priority
from todo.features.todos.schemas import TodoStatus
from todo.features.todos.service import todo_service
from todo.problems import Unavailable

PLACES = """
SELECT count(todos.id) AS number FROM generate_series(1, 12) AS place
  LEFT JOIN todos ON user_id = $1 AND place = priority_rank
       + CASE WHEN deleted_at IS NOT NULL THEN 8 WHEN completed_at IS NOT NULL THEN 4 ELSE 0 END
 GROUP BY place ORDER BY place
"""
# As the release before this one writes.
UNCOUNTED = """
WITH next AS (UPDATE users SET change_seq = change_seq + 1 WHERE id = $1 RETURNING change_seq)
INSERT INTO todos (user_id, id, title, priority, created_at, updated_at, version, change_seq)
SELECT $1, gen_random_uuid(), 'x', 'high', now(), now(), 1, change_seq FROM next
"""
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND usename LIKE 'todo\\_app%' AND xact_start IS NOT NULL
"""


@pytest.fixture
async def owner(service: Service) -> AsyncIterator[Connection]:
    async with connect(service.owner_url) as connection:
        yield connection


async def held(owner: Connection, person: Person) -> tuple[list[int], bool]:
    """The numbers that are kept, and whether they say that they are right."""
    row = await owner.fetchrow(
        "SELECT todo_counts, counted_seq = change_seq AS is_current FROM users WHERE id = $1",
        UUID(person.subject),
    )
    assert row is not None
    return row["todo_counts"], row["is_current"]


async def there(owner: Connection, person: Person) -> list[int]:
    return [row["number"] for row in await owner.fetch(PLACES, UUID(person.subject))]


async def total(person: Person, **wanted: Any) -> int:
    return int((await person.get("/api/todos", params={"limit": 1, **wanted})).json()["total"])


async def some(person: Person, luck: random.Random, **wanted: Any) -> list[str]:
    answer = await person.get("/api/todos", params={"limit": 100, **wanted})
    ids = [todo["id"] for todo in answer.json()["items"]] if answer.is_success else []
    return luck.sample(ids, min(2, len(ids)))


async def create(_service: Service, person: Person, luck: random.Random) -> None:
    await person.post("/api/todos", json={"title": "New", "priority": luck.choice(list(Priority))})


async def put_twice(_service: Service, person: Person, _luck: random.Random) -> None:
    path = f"/api/todos/{uuids.uuid7()}"
    await asyncio.gather(*(person.request("PUT", path, json={"title": "Put"}) for _ in range(2)))


async def change(_service: Service, person: Person, luck: random.Random) -> None:
    for todo_id in await some(person, luck):
        body = {"priority": luck.choice(list(Priority)), "is_completed": luck.random() < 0.5}
        await person.patch(f"/api/todos/{todo_id}", json=body)


async def delete(_service: Service, person: Person, luck: random.Random) -> None:
    for todo_id in await some(person, luck):
        await person.delete(f"/api/todos/{todo_id}")


async def restore(_service: Service, person: Person, luck: random.Random) -> None:
    for todo_id in await some(person, luck, status="deleted"):
        await person.patch(f"/api/todos/{todo_id}/restore")


async def batch(_service: Service, person: Person, luck: random.Random) -> None:
    operations: list[dict[str, Any]] = [
        {"op": "create", "temp_id": "a", "todo": {"title": "One of many", "priority": "urgent"}},
        {"op": "complete", "temp_id": "a"},
        {"op": "delete", "temp_id": "a"},
        {"op": "create", "todo": {"title": "Another"}},
    ]
    operations += [
        {"op": luck.choice(["complete", "reopen", "delete"]), "id": todo_id}
        for todo_id in await some(person, luck)
    ]
    body = {"operations": operations, "atomic": luck.random() < 0.5}
    await person.post("/api/todos/batch", json=body)


async def bring_in(_service: Service, person: Person, luck: random.Random) -> None:
    todos = [
        {"title": "From elsewhere", "priority": luck.choice(list(Priority)), "is_completed": number == 1}
        for number in range(3)
    ]
    content = json.dumps({"format": "todo-evolution", "version": 1, "todos": todos})
    await person.post("/api/account/import", content=content, headers={"content-type": "application/json"})


async def purge(service: Service, person: Person, _luck: random.Random) -> None:
    backend = service.app.state.backend
    async with backend.database.transaction(
        UUID(person.subject), provenance=Provenance(Client(PERSON), "purge_trash")
    ) as transaction:
        await todo_service(transaction, b"secret", backend.limits).purge_trash(datetime.now(UTC))


async def write_uncounted(service: Service, person: Person, _luck: random.Random) -> None:
    async with connect(service.owner_url) as owner:
        await owner.execute(UNCOUNTED, UUID(person.subject))


async def cut(service: Service, _person: Person, _luck: random.Random) -> None:
    async with connect(service.owner_url) as owner:
        await owner.execute(CUT)


ACTS = (create, put_twice, change, delete, restore, batch, bring_in, purge, write_uncounted, cut)


@settings(max_examples=25)
@given(
    st.lists(st.lists(st.sampled_from(ACTS), max_size=6), min_size=6, max_size=6),
    st.sampled_from(TodoStatus),
    st.sets(st.sampled_from(Priority)),
    st.integers(0, 2**32),
)
async def test_every_total_is_that_of_the_rows_whatever_six_writers_do_and_who_is_cut_off(
    service: Service,
    lives: list[list[Any]],
    status: TodoStatus,
    priorities: set[Priority],
    seed: int,
) -> None:
    person, luck = service.person(), random.Random(seed)  # noqa: S311  # to be repeatable
    await person.make_todo()

    async def live(acts: list[Any]) -> None:
        for act in acts:
            # Who is cut off is told so, with 503; what counts is that nothing is half done.
            try:
                await act(service, person, luck)
            except Unavailable:
                continue

    await asyncio.gather(*(live(acts) for acts in lives))

    async with connect(service.owner_url) as owner:
        rows = await there(owner, person)
        numbers, is_current = await held(owner, person)
        matching = await total(person, status=status, priority=sorted(priorities))
        await person.make_todo()
        after = await held(owner, person)
    assert not is_current or numbers == rows
    assert matching == sum(
        rows[4 * state + rank]
        for state in STATES[status]
        for rank, priority in enumerate(Priority)
        if priority in priorities or not priorities
    )
    rows[1] += 1
    assert after == (rows, True)


STATES = {
    TodoStatus.ALL: (0, 1),
    TodoStatus.ACTIVE: (0,),
    TodoStatus.COMPLETED: (1,),
    TodoStatus.DELETED: (2,),
}


@pytest.mark.parametrize(
    ("write", "counts"),
    [
        (("POST", "", {"title": "x"}), [0, 2, 1, 0]),
        (("POST", "/batch", {"operations": [{"op": "create", "todo": {"title": "x"}}] * 2}), [0, 3, 1, 0]),
        (("PATCH", "/{}", {"priority": "urgent"}), [0, 0, 1, 1]),
    ],
    ids=["create", "batch", "change"],
)
async def test_who_does_not_count_is_noticed_and_counted_at_the_next_write(
    service: Service, owner: Connection, write: tuple[str, str, dict[str, Any]], counts: list[int]
) -> None:
    person = service.person()
    todo_id = (await person.make_todo())["id"]
    await owner.execute(UNCOUNTED, UUID(person.subject))

    seen = await total(person, priority="high"), await held(owner, person)
    method, path, body = write
    await person.request(method, f"/api/todos{path.format(todo_id)}", json=body)

    assert seen == (1, ([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], False))
    assert await held(owner, person) == ([*counts, 0, 0, 0, 0, 0, 0, 0, 0], True)


async def test_whoever_never_wrote_has_none(service: Service) -> None:
    assert await total(service.person(str(uuid4()))) == 0
