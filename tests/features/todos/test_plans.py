"""What destructive tools would touch, said first, and done only if it is still so."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.agents import agent_of, call, refusal, text_of
from tests.factories import Person, Service

# A tool and what it is told to do with one todo.
DESTRUCTIVE: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "delete_todos": lambda todo: {"todo_ids": [todo["id"]]},
    "update_todos": lambda todo: {"todos": [{"id": todo["id"], "title": "New", "priority": "low"}]},
}


@pytest.mark.parametrize("tool", DESTRUCTIVE)
async def test_a_dry_run_shows_what_would_change_and_changes_nothing(
    service: Service, alice: Person, tool: str
) -> None:
    todo = await alice.make_todo()
    token = (await alice.get("/api/todos/changes")).json()["next"]

    shown = await call(service, alice, tool, dry_run=True, **DESTRUCTIVE[tool](todo))

    later = await alice.get("/api/todos/changes", params={"since": token})
    assert shown["before"] == [todo]
    assert [after["version"] for after in shown["todos"]] == [2]
    assert (await alice.get(f"/api/todos/{todo['id']}")).json() == todo
    assert later.json()["changes"] == []


@pytest.mark.parametrize("tool", DESTRUCTIVE)
async def test_a_plan_is_done_as_it_was_shown(service: Service, alice: Person, tool: str) -> None:
    todo = await alice.make_todo()
    arguments = DESTRUCTIVE[tool](todo)
    shown = await call(service, alice, tool, dry_run=True, **arguments)

    done = await call(service, alice, tool, apply=shown["plan"], **arguments)

    times = {"updated_at", "deleted_at"}
    assert [{**one, **dict.fromkeys(times)} for one in done["todos"]] == [
        {**one, **dict.fromkeys(times)} for one in shown["todos"]
    ]
    assert (set(done), shown["action"]) == ({"todos", "action"}, None)
    assert done["action"]


@pytest.mark.parametrize("tool", DESTRUCTIVE)
async def test_a_plan_is_refused_when_a_todo_has_changed_meanwhile(
    service: Service, alice: Person, tool: str
) -> None:
    todo = await alice.make_todo()
    arguments = DESTRUCTIVE[tool](todo)
    shown = await call(service, alice, tool, dry_run=True, **arguments)
    changed = (await alice.patch(f"/api/todos/{todo['id']}/complete")).json()

    said = await refusal(service, alice, tool, apply=shown["plan"], **arguments)

    assert said.startswith("plan_outdated: ")
    assert (await alice.get(f"/api/todos/{todo['id']}")).json() == changed


async def test_a_plan_is_for_its_own_todos_its_own_change_and_its_own_person(
    service: Service, alice: Person, bob: Person
) -> None:
    one, two, bobs = await alice.make_todo(), await alice.make_todo(), await bob.make_todo()
    edit = {"id": one["id"], "title": "New"}
    plan = (await call(service, alice, "update_todos", dry_run=True, todos=[edit]))["plan"]
    deletion = (await call(service, alice, "delete_todos", dry_run=True, todo_ids=[one["id"]]))["plan"]

    for tool, person, arguments in (
        ("update_todos", alice, {"todos": [{**edit, "title": "Other"}], "apply": plan}),
        ("update_todos", alice, {"todos": [edit, {"id": two["id"], "title": "New"}], "apply": plan}),
        ("delete_todos", alice, {"todo_ids": [one["id"]], "apply": plan}),
        ("delete_todos", alice, {"todo_ids": [two["id"]], "apply": deletion}),
        ("delete_todos", bob, {"todo_ids": [bobs["id"]], "apply": deletion}),
        ("delete_todos", alice, {"todo_ids": [one["id"]], "apply": ""}),
    ):
        assert (await refusal(service, person, tool, **arguments)).startswith("plan_outdated: ")
    assert (await alice.get("/api/todos")).json()["total"] == 2


async def test_a_plan_holds_for_other_reasons_and_in_another_worker(service: Service, alice: Person) -> None:
    todo = await alice.make_todo()
    shown = await call(service, alice, "delete_todos", dry_run=True, todo_ids=[todo["id"]], reason="Old")

    async with service.another() as worker:
        wanted = {"todo_ids": [todo["id"]], "apply": shown["plan"], "reason": "Agreed"}
        done = await call(worker, alice, "delete_todos", **wanted)

    assert done["todos"][0]["deleted_at"]


async def test_what_cannot_be_done_is_refused_by_a_dry_run_already(service: Service, alice: Person) -> None:
    todo = await alice.make_todo()
    await alice.delete(f"/api/todos/{todo['id']}")

    said = await refusal(service, alice, "delete_todos", dry_run=True, todo_ids=[todo["id"]])

    assert said.startswith("todo_not_found: ")


async def test_one_cannot_try_and_apply_at_once(service: Service, alice: Person) -> None:
    todo = await alice.make_todo()

    said = await refusal(service, alice, "delete_todos", dry_run=True, apply="x", todo_ids=[todo["id"]])

    assert said.startswith("validation_failed: ")


async def test_a_model_reads_the_plan_and_what_it_covers(service: Service, alice: Person) -> None:
    todo = await alice.make_todo("Water the plants")
    async with agent_of(service, alice) as agent:
        shown = await agent.call_tool("delete_todos", {"todo_ids": [todo["id"]], "dry_run": True})

    assert shown.structured_content
    assert f"apply: {shown.structured_content['plan']}" in text_of(shown)
    assert '"title":"Water the plants"' in text_of(shown)
