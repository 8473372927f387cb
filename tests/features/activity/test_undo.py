"""What was done can be undone, unless others have built on it since."""

from typing import Any
from uuid import UUID

import pytest

from tests.agents import call
from tests.factories import Person, Service
from tests.features.activity.test_activity import activity, agent_with_key
from todo.database.engine import connect
from todo.features.todos.schemas import TodoFields, TodoRead

SHOWN = ("title", "description", "priority", "is_completed", "completed_at", "created_at", "deleted_at")


async def undo(person: Person, **wanted: Any) -> dict[str, Any]:
    response = await person.post("/api/undo", json=wanted)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


async def last_action(person: Person) -> int:
    action: int = (await activity(person, limit=1))["items"][0]["action"]
    return action


async def all_todos(person: Person) -> dict[str, dict[str, Any]]:
    """Give what there is, as far as an undo is to put it back."""
    lists = [
        (await person.get("/api/todos", params={"status": status, "limit": 100})).json()["items"]
        for status in ("all", "deleted")
    ]
    return {todo["id"]: {name: todo[name] for name in SHOWN} for todo in [*lists[0], *lists[1]]}


def outcomes(result: dict[str, Any]) -> dict[str, str]:
    return {todo["id"]: todo["outcome"] for todo in result["todos"]}


@pytest.fixture
async def todo(alice: Person) -> dict[str, Any]:
    return await alice.make_todo("Old", description="Said", priority="low")


# A method, what follows the todo's address if it is open or done, and the rest of the request.
ACTS: dict[str, tuple[str, tuple[str, str], dict[str, Any]]] = {
    "update": ("PATCH", ("", ""), {"json": {"title": "New", "description": None, "priority": "urgent"}}),
    "complete or reopen": ("PATCH", ("/complete", "/reopen"), {}),
    "update and complete": ("PATCH", ("", ""), {"json": {"title": "New", "is_completed": True}}),
    "delete": ("DELETE", ("", ""), {}),
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("is_done", [False, True])
async def test_a_change_is_undone_and_that_too(
    alice: Person,
    todo: dict[str, Any],
    act: str,
    is_done: bool,  # noqa: FBT001  # a parameter
) -> None:
    path = f"/api/todos/{todo['id']}"
    if is_done:
        await alice.patch(f"{path}/complete")
    before = await all_todos(alice)
    method, suffix, options = ACTS[act]
    await alice.request(method, path + suffix[is_done], **options)
    after, action = await all_todos(alice), await last_action(alice)

    undone = await undo(alice, action=action)
    assert await all_todos(alice) == before
    again = await undo(alice, action=undone["action"])
    assert await all_todos(alice) == after
    once_more = await undo(alice, action=action)
    assert await all_todos(alice) == before

    assert [outcomes(result) for result in (undone, again, once_more)] == [{todo["id"]: "undone"}] * 3
    assert after != before


async def test_restoring_and_reopening_are_undone_to_the_very_moment(
    alice: Person, todo: dict[str, Any]
) -> None:
    path = f"/api/todos/{todo['id']}"
    await alice.patch(f"{path}/complete")
    await alice.delete(path)
    before = await all_todos(alice)
    await alice.patch(f"{path}/restore")
    restored = await last_action(alice)
    await alice.patch(f"{path}/reopen")
    reopened = await last_action(alice)

    await undo(alice, action=reopened)
    await undo(alice, action=restored)

    assert await all_todos(alice) == before
    assert before[todo["id"]]["completed_at"]


async def test_what_was_made_goes_to_the_trash_and_comes_back(alice: Person, todo: dict[str, Any]) -> None:
    undone = await undo(alice, action=await last_action(alice))

    assert undone["todos"][0]["todo"]["deleted_at"]
    assert (await alice.get(f"/api/todos/{todo['id']}")).status_code == 404
    await undo(alice, action=undone["action"])
    assert (await alice.get(f"/api/todos/{todo['id']}")).json()["title"] == "Old"


async def test_a_batch_is_undone_as_a_whole(alice: Person, todo: dict[str, Any]) -> None:
    before = await all_todos(alice)
    operations = [
        {"op": "update", "id": todo["id"], "changes": {"title": "New"}},
        {"op": "create", "temp_id": "t", "todo": {"title": "Added"}},
        {"op": "complete", "temp_id": "t"},
        {"op": "update", "id": todo["id"], "changes": {"title": "Newer", "is_completed": True}},
        {"op": "delete", "id": todo["id"]},
    ]
    results = (await alice.post("/api/todos/batch", json={"operations": operations})).json()["results"]

    result = await undo(alice, action=await last_action(alice))

    after = await all_todos(alice)
    added = after.pop(results[1]["todo"]["id"])
    assert after == before
    assert (added["is_completed"], added["deleted_at"] is None) == (False, False)
    assert set(outcomes(result).values()) == {"undone"}


async def test_everything_a_client_did_since_a_moment_is_undone(
    service: Service, alice: Person, todo: dict[str, Any]
) -> None:
    agent, client = await agent_with_key(service, alice)
    earlier = await agent.make_todo("Earlier")
    await alice.patch(f"/api/todos/{todo['id']}", json={"description": "By hand"})
    before = await all_todos(alice)
    first = (await agent.patch(f"/api/todos/{todo['id']}", json={"title": "New"})).json()
    await agent.patch(f"/api/todos/{todo['id']}", json={"title": "Newer"})
    await call(service, agent, "delete_todos", todo_ids=[todo["id"], earlier["id"]])
    by_hand = await alice.make_todo("By hand")

    result = await undo(alice, client=client, since=first["updated_at"])

    after = await all_todos(alice)
    assert after.pop(by_hand["id"])["title"] == "By hand"
    assert after == before
    assert set(outcomes(result)) == {todo["id"], earlier["id"]}


async def test_what_a_person_has_edited_since_is_reported_and_not_overwritten(
    service: Service, alice: Person, todo: dict[str, Any]
) -> None:
    agent, _ = await agent_with_key(service, alice)
    other = await alice.make_todo("Other")
    edits = [{"id": one["id"], "title": "By the agent"} for one in (todo, other)]
    action = (await call(service, agent, "update_todos", todos=edits))["action"]
    edited = (await alice.patch(f"/api/todos/{todo['id']}", json={"title": "By hand"})).json()
    await alice.patch(f"/api/todos/{other['id']}", json={"priority": "high"})

    result = await undo(alice, action=action)

    assert outcomes(result) == {todo["id"]: "conflict", other["id"]: "undone"}
    assert result["todos"][0]["todo"] == edited
    [conflict] = result["todos"][0]["conflicts"]
    assert (conflict["client"], conflict["tool"], conflict["kind"]) == ("person", "update_todo", "updated")
    assert (await alice.get(f"/api/todos/{todo['id']}")).json() == edited
    now = (await alice.get(f"/api/todos/{other['id']}")).json()
    assert (now["title"], now["priority"]) == ("Other", "high")


@pytest.mark.parametrize("meanwhile", ["deleted", "edited what was made", "deleted and restored"])
async def test_it_is_a_conflict_if_somebody_has_said_since_whether_it_is_there(
    service: Service, alice: Person, meanwhile: str
) -> None:
    agent, _ = await agent_with_key(service, alice)
    made = await agent.make_todo("Made by the agent")
    by_agent = await last_action(alice)
    if meanwhile == "edited what was made":
        await alice.patch(f"/api/todos/{made['id']}", json={"priority": "high"})
    else:
        await agent.patch(f"/api/todos/{made['id']}/complete")
        by_agent = await last_action(alice)
        await alice.delete(f"/api/todos/{made['id']}")
    if meanwhile == "deleted and restored":
        await alice.patch(f"/api/todos/{made['id']}/restore")
    before = await all_todos(alice)

    assert outcomes(await undo(alice, action=by_agent)) == {made["id"]: "conflict"}
    assert await all_todos(alice) == before


async def test_an_edit_that_was_undone_itself_stands_in_nobodys_way(
    service: Service, alice: Person, todo: dict[str, Any]
) -> None:
    agent, _ = await agent_with_key(service, alice)
    path = f"/api/todos/{todo['id']}"
    await agent.patch(path, json={"title": "By the agent"})
    by_agent = await last_action(alice)
    await alice.patch(path, json={"title": "By hand"})
    await undo(alice, action=await last_action(alice))

    result = await undo(alice, action=by_agent)

    assert outcomes(result) == {todo["id"]: "undone"}
    assert (await alice.get(path)).json()["title"] == "Old"
    assert outcomes(await undo(alice, action=by_agent)) == {todo["id"]: "unchanged"}


async def test_all_or_nothing_if_that_is_wanted(service: Service, alice: Person) -> None:
    agent, _ = await agent_with_key(service, alice)
    added = await call(service, agent, "create_todos", todos=[{"title": "One"}, {"title": "Two"}])
    one, _two = (todo["id"] for todo in added["todos"])
    await alice.patch(f"/api/todos/{one}", json={"title": "Mine"})
    before = await all_todos(alice)

    response = await alice.post("/api/undo", json={"action": added["action"], "atomic": True})

    problem = response.json()
    assert (response.status_code, problem["error_code"]) == (409, "undo_conflict")
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/action", "conflict")]
    assert problem["errors"][0]["detail"].startswith(f"{one}: updated by person in action ")
    assert await all_todos(alice) == before


async def test_a_dry_run_shows_what_would_be_and_changes_nothing(alice: Person, todo: dict[str, Any]) -> None:
    done = (await alice.patch(f"/api/todos/{todo['id']}/complete")).json()
    action, before = await last_action(alice), await activity(alice)

    shown = await undo(alice, action=action, dry_run=True)

    assert shown["action"] is None
    assert outcomes(shown) == {todo["id"]: "undone"}
    assert (shown["todos"][0]["todo"]["is_completed"], shown["todos"][0]["todo"]["version"]) == (False, 3)
    assert (await alice.get(f"/api/todos/{todo['id']}")).json() == done
    assert await activity(alice) == before


async def test_an_undo_is_told_of_like_any_change(alice: Person, todo: dict[str, Any]) -> None:
    token = (await alice.get("/api/todos/changes")).json()["next"]
    done = (await alice.patch(f"/api/todos/{todo['id']}/complete")).json()
    action = await last_action(alice)

    result = await undo(alice, action=action)

    told = (await alice.get("/api/todos/changes", params={"since": token})).json()["changes"]
    entry = (await activity(alice))["items"][0]
    now = result["todos"][0]["todo"]
    assert [(change["kind"], change["todo"]) for change in told] == [("completed", done), ("reopened", now)]
    assert (now["version"], entry["todo"]) == (3, now)
    assert (entry["client"], entry["tool"]) == ("person", "undo")
    assert (entry["action"], entry["undoes"], entry["before"]) == (
        result["action"],
        action,
        {"completed_at": done["completed_at"]},
    )


async def test_what_was_purged_is_gone(service: Service, alice: Person, todo: dict[str, Any]) -> None:
    await alice.delete(f"/api/todos/{todo['id']}")
    action = await last_action(alice)
    async with connect(service.owner_url) as owner, owner.transaction():
        await owner.execute("DELETE FROM todos WHERE id = $1", UUID(todo["id"]))
        await owner.execute(
            "INSERT INTO todo_changes (user_id, seq, todo_id, kind, at)"
            " SELECT id, change_seq + 1, $2, 'purged', now() FROM users WHERE id = $1",
            UUID(alice.subject),
            UUID(todo["id"]),
        )
        await owner.execute("UPDATE users SET change_seq = change_seq + 1 WHERE id = $1", UUID(alice.subject))

    result = await undo(alice, action=action)
    refused = await alice.post("/api/undo", json={"action": action, "atomic": True})

    assert result["action"] is None
    assert result["todos"] == [{"id": todo["id"], "outcome": "purged", "todo": None, "conflicts": []}]
    assert refused.json()["errors"][0]["code"] == "purged"


async def test_a_key_undoes_only_what_it_did_itself(
    service: Service, alice: Person, todo: dict[str, Any]
) -> None:
    by_hand = await last_action(alice)
    agent, client = await agent_with_key(service, alice)
    other, other_client = await agent_with_key(service, alice, "Another")
    await other.patch(f"/api/todos/{todo['id']}/complete")
    by_other, before = await last_action(alice), await all_todos(alice)
    since = todo["created_at"]

    for wanted in (
        {"action": by_hand},
        {"action": by_other},
        {"client": "person", "since": since},
        {"client": other_client, "since": since},
    ):
        refused = await agent.post("/api/undo", json=wanted)
        assert (refused.status_code, refused.json()["error_code"]) == (403, "action_not_yours")
    assert await undo(agent, client=client, since=since) == {"action": None, "todos": []}
    assert await all_todos(alice) == before
    assert outcomes(await undo(other, action=by_other)) == {todo["id"]: "undone"}


async def test_nobody_undoes_what_another_person_did(alice: Person, bob: Person) -> None:
    await alice.make_todo()
    action, before = await last_action(alice), await all_todos(alice)

    refused = await bob.post("/api/undo", json={"action": action})

    assert (refused.status_code, refused.json()["error_code"]) == (404, "action_not_found")
    assert await all_todos(alice) == before


async def test_more_than_one_undo_takes_is_refused(alice: Person) -> None:
    rows = "\n".join(f"Todo {number}" for number in range(1001))
    await alice.post("/api/account/import", content=f"title\n{rows}\n", headers={"content-type": "text/csv"})
    action = await last_action(alice)

    refused = await alice.post("/api/undo", json={"action": action})
    since = await alice.post("/api/undo", json={"client": "person", "since": "2026-01-01T00:00:00Z"})

    assert (refused.status_code, refused.json()["error_code"]) == (422, "undo_too_large")
    assert refused.json()["errors"][0]["detail"] == "are more than 1000 changes, the most that one undo takes"
    assert since.json()["errors"][0]["pointer"] == "/since"


async def test_a_thousand_changes_are_undone_at_once(alice: Person) -> None:
    rows = "\n".join(f"Todo {number}" for number in range(1000))
    await alice.post("/api/account/import", content=f"title\n{rows}\n", headers={"content-type": "text/csv"})

    result = await undo(alice, action=await last_action(alice))

    assert len(result["todos"]) == 1000
    assert (await alice.get("/api/todos")).json()["total"] == 0


async def test_an_undo_that_is_sent_again_is_done_once(alice: Person) -> None:
    await alice.make_todo()
    action = await last_action(alice)
    headers = {"Idempotency-Key": "undo-1"}

    first = await alice.post("/api/undo", json={"action": action}, headers=headers)
    again = await alice.post("/api/undo", json={"action": action}, headers=headers)

    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"action": 0},
        {"action": 2**53},
        {"action": "1"},
        {"action": None},
        {"client": "person", "since": "2026-11-24T08:00:00Z", "action": None},
        {"client": "person"},
        {"since": "2026-11-24T08:00:00Z"},
        {"action": 1, "client": "person", "since": "2026-11-24T08:00:00Z"},
        {"action": 1, "since": "2026-11-24T08:00:00Z"},
        {"action": 1, "dry_run": "yes"},
        {"client": "person", "since": 1764000000},
        {"client": "person", "since": "2026-11-24"},
        {"client": "a\0b", "since": "2026-11-24T08:00:00Z"},
    ],
)
async def test_what_makes_no_sense_is_refused(alice: Person, wanted: dict[str, Any]) -> None:
    response = await alice.post("/api/undo", json=wanted)

    assert (response.status_code, response.json()["error_code"]) == (422, "validation_failed")


async def test_who_may_only_read_undoes_nothing(service: Service, alice: Person) -> None:
    await alice.make_todo()
    made = (await alice.post("/api/keys", json={"name": "Reader", "scopes": ["todo:read"]})).json()
    reader = Person(service.client, made["key"], alice.subject)

    assert (await reader.get("/api/activity")).status_code == 200
    refused = await reader.post("/api/undo", json={"action": await last_action(alice)})
    assert (refused.status_code, refused.json()["error_code"]) == (403, "insufficient_scope")


def test_whatever_can_change_of_a_todo_is_put_back() -> None:
    counts_or_follows = {"id", "is_completed", "created_at", "updated_at", "version"}

    assert TodoFields.model_fields.keys() == TodoRead.model_fields.keys() - counts_or_follows
