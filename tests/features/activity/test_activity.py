"""Who changed what, how and why: the newest first."""

from typing import Any

import pytest

from tests.agents import call
from tests.factories import Person, Service


async def activity(person: Person, **wanted: Any) -> dict[str, Any]:
    response = await person.get("/api/activity", params=wanted)
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


async def agent_with_key(service: Service, person: Person, name: str = "Desktop") -> tuple[Person, str]:
    """An agent of the person, and what its changes are known by."""
    made = (await person.post("/api/keys", json={"name": name})).json()
    return Person(service.client, made["key"], person.subject, made["key"]), f"key:{made['id']}"


async def test_a_change_says_who_made_it_and_what_was_before(service: Service, alice: Person) -> None:
    todo = await alice.make_todo("Old", priority="low")
    agent, client = await agent_with_key(service, alice)
    edit = {"id": todo["id"], "title": "New", "priority": "low"}
    done = await call(service, agent, "update_todos", todos=[edit], reason="It was wrong")

    latest, first = (await activity(alice))["items"]

    assert latest == {
        "seq": done["action"],
        "action": done["action"],
        "kind": "updated",
        "at": done["todos"][0]["updated_at"],
        "client": client,
        "client_name": "Desktop",
        "tool": "update_todos",
        "reason": "It was wrong",
        "todo_id": todo["id"],
        "todo": done["todos"][0],
        "before": {"title": "Old"},
        "undoes": None,
    }
    assert (first["client"], first["client_name"], first["tool"]) == ("person", None, "create_todo")
    assert (first["kind"], first["todo"], first["before"]) == ("created", todo, None)


async def test_pages_follow_one_another_and_leave_nothing_out(alice: Person) -> None:
    made = [(await alice.make_todo(f"No. {number}"))["id"] for number in range(5)]
    shown: list[str] = []
    wanted: dict[str, Any] = {"limit": 2}

    while True:
        page = await activity(alice, **wanted)
        shown += [entry["todo_id"] for entry in page["items"]]
        await alice.make_todo("Meanwhile")
        if not page["page"]["has_more"]:
            break
        wanted["cursor"] = page["page"]["next_cursor"]

    assert page["page"] == {"limit": 2, "next_cursor": None, "has_more": False}
    assert shown == made[::-1]


async def test_it_can_be_asked_of_one_client_one_todo_and_since_a_moment(
    service: Service, alice: Person
) -> None:
    agent, client = await agent_with_key(service, alice)
    one, two = await alice.make_todo("One"), await agent.make_todo("Two")
    await agent.patch(f"/api/todos/{one['id']}/complete")
    last = (await alice.patch(f"/api/todos/{two['id']}/complete")).json()

    async def kinds(**wanted: Any) -> list[tuple[str, str]]:
        items = (await activity(alice, **wanted))["items"]
        return [(entry["kind"], entry["todo"]["title"]) for entry in items]

    assert await kinds(client=client) == [("completed", "One"), ("created", "Two")]
    assert await kinds(client="person") == [("completed", "Two"), ("created", "One")]
    assert await kinds(todo_id=one["id"]) == [("completed", "One"), ("created", "One")]
    assert await kinds(todo_id=one["id"], client=client) == [("completed", "One")]
    assert await kinds(since=two["created_at"], client=client) == [("completed", "One"), ("created", "Two")]
    assert await kinds(since=last["updated_at"]) == [("completed", "Two")]
    assert await kinds(client="nobody") == []


async def test_everybody_sees_their_own_alone(alice: Person, bob: Person) -> None:
    todo = await alice.make_todo()
    page = await activity(alice, limit=1)
    await alice.patch(f"/api/todos/{todo['id']}/complete")
    cursor = (await activity(alice, limit=1))["page"]["next_cursor"]

    refused = await bob.get("/api/activity", params={"cursor": cursor})

    assert len(page["items"]) == 1
    assert (await activity(bob, todo_id=todo["id"]))["items"] == []
    assert (await activity(bob))["items"] == []
    assert refused.json()["errors"][0]["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"since": "1764000000"}, "/since"),
        ({"since": "2026-11-24"}, "/since"),
        ({"since": "2026-11-24T08:00:00"}, "/since"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "/since"),
        ({"client": ""}, "/client"),
        ({"client": "a\0b"}, "/client"),
        ({"todo_id": "x"}, "/todo_id"),
        ({"limit": 101}, "/limit"),
        ({"cursor": "x"}, "/cursor"),
        ({"tool": "x"}, "/tool"),
    ],
)
async def test_what_makes_no_sense_is_refused(alice: Person, wanted: dict[str, Any], pointer: str) -> None:
    response = await alice.get("/api/activity", params=wanted)

    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


async def test_a_cursor_is_good_for_its_own_filters(alice: Person) -> None:
    for _ in range(2):
        await alice.make_todo()
    cursor = (await activity(alice, limit=1))["page"]["next_cursor"]

    response = await alice.get("/api/activity", params={"cursor": cursor, "client": "person"})

    assert response.json()["errors"][0]["code"] == "invalid_cursor"
