"""So many todos a person may have, the trash included, and so many operations a batch."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
import uuid_utils.compat as uuids
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agents import call, refusal
from tests.factories import LIMITS, Person, Service
from todo.database.engine import connect

BODY = {"title": "Water the plants"}
CREATE = {"op": "create", "todo": BODY}
QUOTA = 10


@pytest.fixture(scope="module")
async def strict(service: Service) -> AsyncIterator[Service]:
    """The application, with ten todos for everybody and three operations a batch."""
    async with service.another(limits=replace(LIMITS, quota=QUOTA, batch_limit=3)) as strict:
        yield strict


@pytest.fixture
def person(strict: Service) -> Person:
    return strict.person()


async def counted_and_there(service: Service, person: Person) -> tuple[int, int]:
    """How many todos the person's row says there are, and how many there are."""
    async with connect(service.owner_url) as owner:
        row = await owner.fetchrow(
            "SELECT COALESCE((SELECT todo_count FROM users WHERE id = $1), 0) AS counted,"
            " (SELECT count(*) FROM todos WHERE user_id = $1) AS there",
            UUID(person.subject),
        )
    assert row is not None
    return row["counted"], row["there"]


async def fill(person: Person) -> list[dict[str, Any]]:
    return [await person.make_todo() for _ in range(QUOTA)]


async def test_the_last_todo_fits_and_the_next_is_refused(strict: Service, person: Person) -> None:
    await fill(person)

    refused = await person.post("/api/todos", json=BODY)

    assert (refused.status_code, refused.json()["error_code"]) == (403, "todo_quota_exceeded")
    assert "10; those in the trash count" in refused.json()["detail"]
    assert await counted_and_there(strict, person) == (QUOTA, QUOTA)


async def test_the_trash_counts_and_what_is_in_it_can_come_back(strict: Service, person: Person) -> None:
    path = f"/api/todos/{(await fill(person))[0]['id']}"
    await person.delete(path)

    refused, restored = await person.post("/api/todos", json=BODY), await person.patch(f"{path}/restore")

    assert (refused.status_code, restored.status_code) == (403, 200)
    assert await counted_and_there(strict, person) == (QUOTA, QUOTA)


async def test_what_is_there_can_be_changed_and_put_again(person: Person) -> None:
    path = f"/api/todos/{uuids.uuid7()}"
    await person.request("PUT", path, json=BODY)
    for _ in range(QUOTA - 1):
        await person.make_todo()

    again = await person.request("PUT", path, json=BODY)
    done = await person.patch(f"{path}/complete")
    another = await person.request("PUT", f"/api/todos/{uuids.uuid7()}", json=BODY)

    assert [answer.status_code for answer in (again, done, another)] == [200, 200, 403]


async def test_an_agent_is_refused_too(strict: Service, person: Person) -> None:
    for _ in range(QUOTA):
        await call(strict, person, "create_todos", todos=[{"title": "Mine"}])

    assert "todo_quota_exceeded:" in await refusal(
        strict, person, "create_todos", todos=[{"title": "One more"}]
    )


async def test_thirty_at_once_make_ten(strict: Service, person: Person) -> None:
    answers = await asyncio.gather(*(person.post("/api/todos", json=BODY) for _ in range(30)))

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(403)) == (10, 20)
    assert await counted_and_there(strict, person) == (QUOTA, QUOTA)


@pytest.mark.parametrize(("atomic", "there"), [(True, QUOTA - 1), (False, QUOTA)])
async def test_a_batch_is_refused_from_where_it_goes_beyond(
    strict: Service, person: Person, *, atomic: bool, there: int
) -> None:
    for _ in range(QUOTA - 1):
        await person.make_todo()

    response = await person.post(
        "/api/todos/batch", json={"operations": [CREATE, CREATE, CREATE], "atomic": atomic}
    )

    if atomic:
        assert response.status_code == 403
        assert response.json()["errors"][0]["pointer"] == "/operations/1"
    else:
        assert [result["status"] for result in response.json()["results"]] == [201, 403, 403]
    assert await counted_and_there(strict, person) == (there, there)


async def test_a_batch_that_is_too_long_is_refused_whole(strict: Service, person: Person) -> None:
    body = {"operations": [CREATE] * 4, "atomic": False}

    response = await person.post("/api/todos/batch", json=body)

    error = response.json()["errors"][0]
    assert (response.status_code, error["pointer"], error["code"]) == (422, "/operations", "too_long")
    assert "at most 3" in error["detail"]
    assert await counted_and_there(strict, person) == (0, 0)


async def test_no_quota_is_a_quota_too(service: Service) -> None:
    async with service.another(limits=replace(LIMITS, quota=0)) as lavish:
        assert (await lavish.person().make_todo())["version"] == 1


async def _create(person: Person) -> None:
    await person.post("/api/todos", json=BODY)


async def _create_twice_by_key(person: Person) -> None:
    headers = {"idempotency-key": uuid4().hex}
    await asyncio.gather(*(person.post("/api/todos", json=BODY, headers=headers) for _ in range(2)))


async def _put_twice(person: Person) -> None:
    path = f"/api/todos/{uuids.uuid7()}"
    await asyncio.gather(*(person.request("PUT", path, json=BODY) for _ in range(2)))


async def _delete_one(person: Person) -> None:
    for todo in (await person.get("/api/todos?limit=1")).json()["items"]:
        await person.delete(f"/api/todos/{todo['id']}")


async def _restore_one(person: Person) -> None:
    for todo in (await person.get("/api/todos?limit=1&status=deleted")).json()["items"]:
        await person.patch(f"/api/todos/{todo['id']}/restore")


async def _batch_that_is_undone(person: Person) -> None:
    operations = [CREATE, {"op": "delete", "id": str(uuid4())}]
    await person.post("/api/todos/batch", json={"operations": operations})


async def _batch_with_refusals(person: Person) -> None:
    operations = [
        CREATE | {"temp_id": "a"},
        {"op": "delete", "id": str(uuid4())},
        {"op": "delete", "temp_id": "a"},
    ]
    await person.post("/api/todos/batch", json={"operations": operations, "atomic": False})


async def _batch_of_creates(person: Person) -> None:
    await person.post("/api/todos/batch", json={"operations": [CREATE] * 3, "atomic": False})


ACTS = (
    _create,
    _create_twice_by_key,
    _put_twice,
    _delete_one,
    _restore_one,
    _batch_that_is_undone,
    _batch_with_refusals,
    _batch_of_creates,
)


@settings(max_examples=20)
@given(st.lists(st.lists(st.sampled_from(ACTS), max_size=4), min_size=8, max_size=8))
async def test_the_count_is_right_whatever_eight_writers_do(strict: Service, lives: list[list[Any]]) -> None:
    person = strict.person()

    async def live(acts: list[Any]) -> None:
        for act in acts:
            await act(person)

    await asyncio.gather(*(live(acts) for acts in lives))

    counted, there = await counted_and_there(strict, person)
    assert counted == there <= QUOTA
