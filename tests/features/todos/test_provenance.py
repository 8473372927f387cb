"""Every change says which client made it, how and why, and what was before."""

import json
from typing import Any

from tests.agents import call
from tests.factories import Person, Service
from todo.database.engine import connect

RECORDED = """
SELECT seq - action AS step, action, kind, client, client_name, tool, reason, before
  FROM todo_changes WHERE user_id = $1 ORDER BY seq
"""


async def recorded(service: Service, person: Person) -> list[dict[str, Any]]:
    async with connect(service.owner_url) as owner:
        rows = [dict(row) for row in await owner.fetch(RECORDED, person.subject)]
    return [{**row, "before": json.loads(row["before"]) if row["before"] else None} for row in rows]


async def test_a_change_knows_what_was_before_in_the_fields_it_changed(
    service: Service, alice: Person
) -> None:
    todo = await alice.make_todo("Old", description="Said", priority="low")
    path = f"/api/todos/{todo['id']}"
    await alice.patch(path, json={"title": "New", "description": None, "priority": "low"})
    done = (await alice.patch(f"{path}/complete")).json()
    await alice.patch(path, json={"is_completed": False, "priority": "high"})
    await alice.delete(path)
    trashed = (await alice.get("/api/todos", params={"status": "deleted"})).json()["items"][0]
    await alice.patch(f"{path}/restore")

    rows = await recorded(service, alice)

    assert [(row["kind"], row["tool"], row["before"]) for row in rows] == [
        ("created", "create_todo", None),
        ("updated", "update_todo", {"title": "Old", "description": "Said"}),
        ("completed", "complete_todo", {"completed_at": None}),
        ("reopened", "update_todo", {"completed_at": done["completed_at"], "priority": "low"}),
        ("deleted", "delete_todo", {"deleted_at": None}),
        ("restored", "restore_todo", {"deleted_at": trashed["deleted_at"]}),
    ]
    assert {(row["client"], row["client_name"], row["reason"]) for row in rows} == {("person", None, None)}
    assert len({row["action"] for row in rows}) == len(rows)


async def test_what_one_call_does_is_one_action(service: Service, alice: Person) -> None:
    made = (await alice.post("/api/keys", json={"name": "Desktop"})).json()
    agent = Person(service.client, alice.token, alice.subject, made["key"])
    await alice.make_todo()
    new = [{"title": "one"}, {"title": "two"}]
    added = await call(service, agent, "create_todos", todos=new, reason="They asked for it")
    ids = [todo["id"] for todo in added["todos"]]
    operations = [{"op": "complete", "id": todo_id} for todo_id in ids]
    await alice.post("/api/todos/batch", json={"operations": [*operations, {"op": "reopen", "id": ids[0]}]})

    _, *by_agent, one, two, again = await recorded(service, alice)

    assert [(row["step"], row["kind"], row["tool"]) for row in (*by_agent, one, two, again)] == [
        (0, "created", "create_todos"),
        (1, "created", "create_todos"),
        (0, "completed", "batch_todos"),
        (1, "completed", "batch_todos"),
        (2, "reopened", "batch_todos"),
    ]
    assert {row["action"] for row in by_agent} == {added["action"]}
    assert {(row["client"], row["client_name"], row["reason"]) for row in by_agent} == {
        (f"key:{made['id']}", "Desktop", "They asked for it")
    }
    assert again["before"]["completed_at"]


async def test_a_file_that_is_imported_is_one_action(service: Service, alice: Person) -> None:
    rows = "\n".join(f"Todo {number}" for number in range(1100))
    headers = {"content-type": "text/csv"}
    await alice.post("/api/account/import", content=f"title\n{rows}\n", headers=headers)

    changes = await recorded(service, alice)

    assert len(changes) == 1100
    assert {(row["action"], row["tool"]) for row in changes} == {(1, "import_account")}
