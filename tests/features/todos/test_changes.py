"""The change feed: every change, in order, none left out."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.factories import SECRET, Person, Service
from todo.database.engine import connect
from todo.transport.paging import CursorSigner


async def token_of_now(person: Person) -> str:
    answer = (await person.get("/api/todos/changes")).json()
    assert (answer["changes"], answer["has_more"]) == ([], False)
    token: str = answer["next"]
    return token


async def changes_since(person: Person, token: str, limit: int = 100) -> dict[str, Any]:
    response = await person.get("/api/todos/changes", params={"since": token, "limit": limit})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_the_life_of_a_todo_is_told_in_order(alice: Person) -> None:
    token = await token_of_now(alice)
    todo = await alice.make_todo()
    path = f"/api/todos/{todo['id']}"
    await alice.patch(path, json={"title": "New"})
    for action in ("complete", "reopen"):
        await alice.patch(f"{path}/{action}")
    await alice.delete(path)
    await alice.patch(f"{path}/restore")

    changes = (await changes_since(alice, token))["changes"]

    kinds = [change["kind"] for change in changes]
    assert kinds == ["created", "updated", "completed", "reopened", "deleted", "restored"]
    assert {change["id"] for change in changes} == {todo["id"]}
    assert [change["todo"]["version"] for change in changes] == [1, 2, 3, 4, 5, 6]


async def test_a_change_shows_the_todo_as_it_was_then(alice: Person) -> None:
    token = await token_of_now(alice)
    todo = await alice.make_todo(description="The fern twice", priority="high")
    await alice.patch(f"/api/todos/{todo['id']}/complete")

    first = (await changes_since(alice, token))["changes"][0]

    assert first == {"kind": "created", "id": todo["id"], "todo": todo, "at": todo["created_at"]}


async def test_what_changes_nothing_is_no_change(alice: Person) -> None:
    todo = await alice.make_todo()
    token = await token_of_now(alice)
    await alice.patch(f"/api/todos/{todo['id']}/reopen")
    await alice.patch(f"/api/todos/{todo['id']}", json={"title": ""})

    assert (await changes_since(alice, token))["changes"] == []


async def test_changes_come_in_pages(alice: Person) -> None:
    token = await token_of_now(alice)
    made = [(await alice.make_todo(f"No. {n}"))["id"] for n in range(5)]

    first = await changes_since(alice, token, limit=3)
    second = await changes_since(alice, first["next"], limit=3)
    third = await changes_since(alice, second["next"], limit=3)

    assert [change["id"] for change in first["changes"] + second["changes"]] == made
    assert (first["has_more"], second["has_more"], third["changes"]) == (True, False, [])


async def test_nobody_follows_another_person(alice: Person, bob: Person) -> None:
    hers, his = await token_of_now(alice), await token_of_now(bob)
    await alice.make_todo()

    refused = await bob.get("/api/todos/changes", params={"since": hers})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/since")
    assert (await changes_since(bob, his))["changes"] == []


async def test_a_token_that_is_too_old_is_gone(alice: Person) -> None:
    written_at = datetime.now(UTC) - timedelta(days=31)
    signer = CursorSigner(SECRET, UUID(alice.subject))
    token = signer.write(json.dumps([0, written_at.isoformat()]), "changes")

    response = await alice.get("/api/todos/changes", params={"since": token})

    assert (response.status_code, response.json()["error_code"]) == (410, "changes_forgotten")


async def test_a_token_is_as_old_as_what_it_leaves_unread(service: Service, alice: Person) -> None:
    token = await token_of_now(alice)
    for n in range(2):
        await alice.make_todo(f"No. {n}")
    async with connect(service.owner_url) as owner:
        aged = "UPDATE todo_changes SET at = now() - interval '31 days' WHERE user_id = $1"
        await owner.execute(aged, UUID(alice.subject))

    first = await changes_since(alice, token, limit=1)
    response = await alice.get("/api/todos/changes", params={"since": first["next"]})
    whole = await changes_since(alice, token)

    assert (first["has_more"], response.status_code) == (True, 410)
    assert (whole["has_more"], (await changes_since(alice, whole["next"]))["changes"]) == (False, [])


async def test_a_follower_misses_nothing_while_eight_write(alice: Person) -> None:
    token = await token_of_now(alice)
    writers = [asyncio.create_task(write(alice, 25)) for _ in range(8)]
    followed: list[str] = []

    while not all(writer.done() for writer in writers):
        answer = await changes_since(alice, token)
        followed += [change["id"] for change in answer["changes"]]
        token = answer["next"]
    followed += [change["id"] for change in (await changes_since(alice, token, limit=1000))["changes"]]

    acknowledged = [todo_id for writer in writers for todo_id in writer.result()]
    assert len(acknowledged) == 200
    assert sorted(followed) == sorted(acknowledged)


async def write(person: Person, times: int) -> list[str]:
    return [str((await person.make_todo(f"No. {n}"))["id"]) for n in range(times)]
