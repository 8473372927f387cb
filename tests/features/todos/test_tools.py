"""The same verbs over MCP, spoken by the official client."""

from typing import Any
from uuid import uuid4

import pytest

from tests.agents import agent_of, call, refusal
from tests.contracts.test_house_rules import TOOLS
from tests.factories import Person, Service


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tools_are_the_verbs(service: Service, alice: Person, mode: str) -> None:
    async with agent_of(service, alice, mode) as agent:
        tools = (await agent.list_tools()).tools

    assert {tool.name for tool in tools} == TOOLS
    assert all(tool.annotations and tool.output_schema for tool in tools)
    assert not any("user_id" in str(tool.input_schema) for tool in tools)


async def test_what_an_agent_adds_is_what_rest_shows(service: Service, alice: Person) -> None:
    new = [{"title": "Water the plants", "priority": "high"}, {"title": "Feed the cat"}]
    answer = await call(service, alice, "create_todos", todos=new)

    shown = [(await alice.get(f"/api/todos/{todo['id']}")).json() for todo in answer["todos"]]
    assert shown == answer["todos"]
    assert [todo["title"] for todo in shown] == ["Water the plants", "Feed the cat"]


async def test_an_agent_does_the_five_jobs(service: Service, alice: Person) -> None:
    one, two = [(await alice.make_todo())["id"] for _ in range(2)]
    both = {"todo_ids": [one, two]}

    done = await call(service, alice, "complete_todos", **both)
    edits = [{"id": two, "title": "New", "priority": "low"}]
    changed = await call(service, alice, "update_todos", todos=edits)
    page = await call(service, alice, "list_todos", status="completed", sort="title")
    deleted = await call(service, alice, "delete_todos", **both)
    trash = await call(service, alice, "list_todos", status="deleted")
    restored = await call(service, alice, "restore_todos", **both)
    reopened = await call(service, alice, "reopen_todos", todo_ids=[two])

    assert [todo["is_completed"] for todo in done["todos"]] == [True, True]
    assert page["items"] == [*changed["todos"], done["todos"][0]]
    assert (trash["total"], [todo["deleted_at"] is None for todo in deleted["todos"]]) == (2, [False, False])
    assert [todo["version"] for todo in restored["todos"]] == [4, 5]
    assert await call(service, alice, "get_todo", todo_id=two) == reopened["todos"][0]


async def test_what_was_changed_has_a_name_and_what_was_not_has_none(service: Service, alice: Person) -> None:
    added = await call(service, alice, "create_todos", todos=[{"title": "One"}, {"title": "Two"}])
    ids = [todo["id"] for todo in added["todos"]]

    done = await call(service, alice, "complete_todos", todo_ids=ids)
    again = await call(service, alice, "complete_todos", todo_ids=ids)

    assert added["action"] < done["action"]
    assert again == {"todos": done["todos"], "action": None}


async def test_each_todo_is_answered_once_and_in_the_order_asked_for(service: Service, alice: Person) -> None:
    ids = [(await alice.make_todo())["id"] for _ in range(3)]

    answer = await call(service, alice, "complete_todos", todo_ids=[ids[2], ids[0], ids[2], ids[1]])

    assert [todo["id"] for todo in answer["todos"]] == [ids[2], ids[0], ids[1]]
    assert {todo["version"] for todo in answer["todos"]} == {2}


async def test_refusals_name_their_code(service: Service, alice: Person, bob: Person) -> None:
    todo = await alice.make_todo()

    assert "todo_not_owned:" in await refusal(service, bob, "get_todo", todo_id=todo["id"])
    assert "todo_not_found:" in await refusal(service, bob, "delete_todos", todo_ids=[str(uuid4())])


async def test_many_are_changed_all_or_none_and_each_that_was_refused_is_named(
    service: Service, alice: Person, bob: Person
) -> None:
    mine, theirs, nobodys = await alice.make_todo(), await bob.make_todo(), str(uuid4())

    said = await refusal(service, alice, "complete_todos", todo_ids=[mine["id"], theirs["id"], nobodys])

    assert said.splitlines() == [
        "todo_not_owned: The todo belongs to another person. Nothing was changed.",
        f"/todo_ids/1: {theirs['id']}: todo_not_owned: The todo belongs to another person.",
        f"/todo_ids/2: {nobodys}: todo_not_found: There is no todo with this id, or it is in the trash.",
    ]
    assert (await alice.get(f"/api/todos/{mine['id']}")).json() == mine


@pytest.mark.parametrize(
    "spoilt",
    [
        {"title": " "},
        {"title": "x" * 201},
        {"title": "x", "priority": "highest"},
        {"title": "x", "user_id": str(uuid4())},
    ],
)
async def test_what_breaks_a_rule_is_refused(service: Service, alice: Person, spoilt: dict[str, str]) -> None:
    said = await refusal(service, alice, "create_todos", todos=[{"title": "Fine"}, spoilt])

    assert said.startswith("validation_failed: The request breaks the rules")
    assert f"/todos/1/{list(spoilt)[-1]}: " in said
    assert (await alice.get("/api/todos")).json()["total"] == 0


@pytest.mark.parametrize(
    ("tool", "arguments", "pointer"),
    [
        ("list_todos", {"due": "today"}, "/due"),
        ("list_todos", {"offset": 0, "cursor": "x"}, ""),
        ("list_todos", {"cursor": "x"}, "/cursor"),
        ("get_todo", {"todo_id": "7"}, "/todo_id"),
        ("get_todo", {"todo_id": str(uuid4()), "user_id": str(uuid4())}, "/user_id"),
        ("delete_todos", {"todo_ids": []}, "/todo_ids"),
        ("delete_todos", {}, "/todo_ids"),
        ("complete_todos", {"todo_ids": [str(uuid4())], "user_id": str(uuid4())}, "/user_id"),
        ("restore_todos", {"todo_ids": [str(uuid4())] * 100 + ["x"]}, "/todo_ids"),
    ],
)
async def test_arguments_that_nobody_takes_are_refused_by_name(
    service: Service, alice: Person, tool: str, arguments: dict[str, Any], pointer: str
) -> None:
    said = await refusal(service, alice, tool, **arguments)

    assert f"\n{pointer}: " in said
    assert "pydantic" not in said


async def test_a_list_that_a_client_sends_as_text_is_taken(service: Service, alice: Person) -> None:
    answer = await call(service, alice, "create_todos", todos='[{"title": "As some clients do"}]')

    assert [todo["title"] for todo in answer["todos"]] == ["As some clients do"]


async def test_agents_of_two_people_do_not_meet(service: Service, alice: Person, bob: Person) -> None:
    await call(service, alice, "create_todos", todos=[{"title": "Mine"}])

    async with agent_of(service, alice) as hers, agent_of(service, bob) as his:
        mine = await hers.call_tool("list_todos", {})
        theirs = await his.call_tool("list_todos", {})

    assert [page.structured_content["total"] for page in (mine, theirs) if page.structured_content] == [1, 0]


async def test_nobody_speaks_mcp_without_a_token(service: Service) -> None:
    response = await service.client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})

    assert (response.status_code, response.json()["error_code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_page_elsewhere_cannot_speak_mcp(alice: Person) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}

    foreign_origin = await alice.post("/mcp", json=message, headers={"origin": "https://evil.example"})
    foreign_host = await alice.post("/mcp", json=message, headers={"host": "evil.example"})

    assert (foreign_origin.status_code, foreign_host.status_code) == (403, 421)
