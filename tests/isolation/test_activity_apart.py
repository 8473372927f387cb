"""What an undo looks up is each person's own, by the queries alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.factories import Person, Service
from todo.database.engine import open_pool
from todo.database.transaction import Database
from todo.features.activity.repository import ActivityRepository

LIMIT = 10


async def make_two_at_once(person: Person) -> list[dict[str, Any]]:
    """Make two todos in one action, and give them."""
    operations = [{"op": "create", "todo": {"title": title}} for title in ("Milk", "Bread")]
    response = await person.post("/api/todos/batch", json={"operations": operations})
    assert response.status_code == 200, response.text
    return [result["todo"] for result in response.json()["results"]]


@asynccontextmanager
async def activity_without_row_level_security(
    service: Service, person: Person
) -> AsyncIterator[ActivityRepository]:
    async with open_pool(service.owner_url, size=1) as pool:
        unbound = Database(pool, on_commit=lambda _user_id: None)
        async with unbound.transaction(UUID(person.subject), read_only=True) as transaction:
            yield ActivityRepository(transaction)


async def test_an_action_holds_and_ends_with_nothing_of_others(
    service: Service, alice: Person, bob: Person
) -> None:
    await make_two_at_once(alice)
    for _ in range(2):
        await bob.make_todo()

    async with activity_without_row_level_security(service, alice) as activity:
        changes = await activity.of_action(1, LIMIT)

    assert [change.seq for change in changes] == [2, 1]


async def test_what_a_client_did_holds_and_begins_with_nothing_of_others(
    service: Service, alice: Person, bob: Person
) -> None:
    for _ in range(2):
        await bob.make_todo()
    made = await make_two_at_once(alice)
    await bob.make_todo()
    since = datetime.fromisoformat(made[0]["created_at"])

    async with activity_without_row_level_security(service, alice) as activity:
        changes = await activity.of_client("person", since, LIMIT)

    assert [change.seq for change in changes] == [2, 1]


async def test_the_history_of_todos_of_others_is_empty(service: Service, alice: Person, bob: Person) -> None:
    theirs = [UUID((await person.make_todo())["id"]) for person in (alice, bob)]

    async with activity_without_row_level_security(service, alice) as activity:
        changes = await activity.history(theirs, 1)

    assert [change.todo_id for change in changes] == theirs[:1]
