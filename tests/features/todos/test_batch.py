"""Many operations in one request: by the rules of single calls, all or nothing unless asked otherwise."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import SECRET, Person, Service
from todo.database.provenance import BY_UPKEEP
from todo.database.statements import Statement
from todo.database.transaction import Transaction
from todo.features.todos.schemas import TodoBatch
from todo.features.todos.service import todo_service


async def batch(person: Person, *operations: dict[str, Any], **options: Any) -> Any:
    return await person.post("/api/todos/batch", json={"operations": operations, **options})


def create(title: str, **more: Any) -> dict[str, Any]:
    return {"op": "create", "todo": {"title": title}, **more}


async def test_every_operation_can_be_in_a_batch(alice: Person) -> None:
    todo, other = await alice.make_todo("First"), await alice.make_todo("Second")
    await alice.delete(f"/api/todos/{other['id']}")

    response = await batch(
        alice,
        create("Third"),
        {"op": "update", "id": todo["id"], "changes": {"title": "New"}},
        {"op": "complete", "id": todo["id"]},
        {"op": "reopen", "id": todo["id"]},
        {"op": "restore", "id": other["id"]},
        {"op": "delete", "id": todo["id"]},
    )

    results = response.json()["results"]
    assert response.status_code == 200
    assert [result["status"] for result in results] == [201, 200, 200, 200, 200, 204]
    assert (results[1]["todo"]["title"], results[3]["todo"]["version"]) == ("New", 4)
    page = (await alice.get("/api/todos?sort=title")).json()
    assert page["items"] == [results[4]["todo"], results[0]["todo"]]


async def test_later_operations_name_what_earlier_ones_made(alice: Person) -> None:
    response = await batch(alice, create("New", temp_id="a"), {"op": "complete", "temp_id": "a"})

    made, done = response.json()["results"]
    assert (done["temp_id"], done["todo"]["id"], done["todo"]["is_completed"]) == (
        "a",
        made["todo"]["id"],
        True,
    )


async def test_one_refusal_undoes_an_atomic_batch(alice: Person) -> None:
    response = await batch(alice, create("New"), {"op": "complete", "id": str(uuid4())})

    problem = response.json()
    assert (response.status_code, problem["error_code"]) == (404, "todo_not_found")
    assert problem["errors"][0]["pointer"] == "/operations/1"
    assert (await alice.get("/api/todos")).json()["total"] == 0


async def test_a_refusal_leaves_the_rest_of_other_batches(alice: Person, bob: Person) -> None:
    his, hers = await bob.make_todo(), await alice.make_todo()

    response = await batch(
        alice,
        {"op": "delete", "id": his["id"]},
        {"op": "complete", "id": hers["id"], "version": 7},
        create("New"),
        atomic=False,
    )

    results = response.json()["results"]
    assert response.status_code == 200
    assert [result["status"] for result in results] == [403, 412, 201]
    assert [result["problem"] and result["problem"]["error_code"] for result in results] == [
        "todo_not_owned",
        "todo_changed",
        None,
    ]
    assert (await bob.get(f"/api/todos/{his['id']}")).json() == his


@pytest.mark.parametrize(
    ("operations", "pointer"),
    [
        ([], "/operations"),
        ([create("x")] * 101, "/operations"),
        ([create("")], "/operations/0/todo/title"),
        ([{"op": "explode"}], "/operations/0"),
        ([{"op": "create"}], "/operations/0/todo"),
        ([{"op": "delete", "id": 7}], "/operations/0/id"),
        ([{"op": "complete"}], "/operations/0"),
        ([{"op": "complete", "temp_id": "a"}], ""),
        ([create("x", temp_id="a"), create("y", temp_id="a")], ""),
        ([create("x", temp_id="with space")], "/operations/0/temp_id"),
    ],
)
async def test_a_batch_that_breaks_a_rule_is_refused_whole(
    alice: Person, operations: list[dict[str, Any]], pointer: str
) -> None:
    response = await batch(alice, *operations, atomic=False)

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await alice.get("/api/todos")).json()["total"] == 0


async def test_a_keyed_batch_is_done_once(alice: Person) -> None:
    body = {"operations": [create("One"), create("Two")]}
    first = await alice.post("/api/todos/batch", json=body, headers={"idempotency-key": "batch-1"})
    second = await alice.post("/api/todos/batch", json=body, headers={"idempotency-key": "batch-1"})

    assert (first.status_code, second.content) == (200, first.content)
    assert (await alice.get("/api/todos")).json()["total"] == 2


async def test_a_hundred_todos_are_added_at_once_in_their_order(alice: Person) -> None:
    await batch(alice, *(create(f"No. {n:03}") for n in range(100)))

    page = (await alice.get("/api/todos?sort=created_at&limit=100")).json()
    assert [todo["title"] for todo in page["items"]] == [f"No. {n:03}" for n in range(100)]


async def test_a_follower_is_told_every_step_of_a_batch(alice: Person) -> None:
    token = (await alice.get("/api/todos/changes")).json()["next"]

    await batch(
        alice,
        create("New", temp_id="a"),
        {"op": "update", "temp_id": "a", "changes": {"title": "Newer"}},
        {"op": "complete", "temp_id": "a"},
        {"op": "complete", "temp_id": "a"},
        {"op": "delete", "temp_id": "a"},
    )

    told = (await alice.get("/api/todos/changes", params={"since": token})).json()["changes"]
    assert [
        (change["kind"], change["todo"]["title"], change["todo"]["is_completed"], change["todo"]["version"])
        for change in told
    ] == [
        ("created", "New", False, 1),
        ("updated", "Newer", False, 2),
        ("completed", "Newer", True, 3),
        ("deleted", "Newer", True, 4),
    ]
    trash = (await alice.get("/api/todos?status=deleted")).json()["items"]
    assert trash == [told[-1]["todo"]]


class CountingTransaction(Transaction):
    """Counts how often the database is asked."""

    asked = 0

    async def one(self, statement: Statement, **values: Any) -> Any:
        self.asked += 1
        return await super().one(statement, **values)

    async def rows(self, statement: Statement, **values: Any) -> Any:
        self.asked += 1
        return await super().rows(statement, **values)


async def round_trips(service: Service, person: Person, *operations: dict[str, Any]) -> int:
    database = service.app.state.backend.database
    async with database.transaction(UUID(person.subject)) as opened:
        counting = CountingTransaction(opened._connection, opened.user_id, provenance=BY_UPKEEP)
        await todo_service(counting, SECRET, service.wiring.limits).batch_todos(
            TodoBatch(operations=list(operations))
        )
    return counting.asked


async def test_a_large_batch_asks_the_database_as_often_as_a_small_one(
    service: Service, alice: Person
) -> None:
    todos = [await alice.make_todo(f"No. {n}") for n in range(50)]

    def mixed(count: int) -> list[dict[str, Any]]:
        acts = [{"op": "complete", "id": todo["id"]} for todo in todos[:count]]
        return [*acts, *(create(f"New {n}") for n in range(count))]

    assert await round_trips(service, alice, *mixed(1)) == await round_trips(service, alice, *mixed(50)) == 3
