"""AI agents, with the official MCP client, on the really started product."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.agents import text_of
from tests.e2e.apps import CALLBACK, App, Browser
from tests.e2e.people import Account
from tests.e2e.product import Product


@pytest.fixture
def app(product: Product, account: Account, browser: Browser) -> App:
    return App(product, account, browser)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_connects_by_itself_and_adds_a_todo_that_its_person_sees(app: App, mode: str) -> None:
    async with app.connected(mode) as agent:
        result = await agent.call_tool("create_todos", {"todos": [{"title": "Ask the agent"}]})

    person = await app.person.person()
    assert result.structured_content
    assert (await person.get("/api/todos")).json()["items"] == result.structured_content["todos"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_uses_everything_there_is(app: App, mode: str) -> None:
    person = await app.person.person()
    todo = await person.make_todo("Water the plants")
    this = {"todo_ids": [todo["id"]]}
    calls: dict[str, dict[str, Any]] = {
        "whoami": {},
        "create_todos": {"todos": [{"title": "Feed the cat"}]},
        "get_todo": {"todo_id": todo["id"]},
        "update_todos": {"todos": [{"id": todo["id"], "priority": "high"}]},
        "complete_todos": this,
        "reopen_todos": this,
        "delete_todos": this,
        "restore_todos": this,
        "undo": {"since": todo["created_at"]},
        "list_todos": {"sort": "-priority"},
    }
    async with app.connected(mode) as agent:
        tools = {tool.name for tool in (await agent.list_tools()).tools}
        results = [(await agent.call_tool(tool, arguments)) for tool, arguments in calls.items()]
        refused = await agent.call_tool("get_todo", {"todo_id": str(uuid4())})
        [resource] = (await agent.list_resources()).resources
        [content] = (await agent.read_resource(resource.uri)).contents
        prompts = [prompt.name for prompt in (await agent.list_prompts()).prompts]
        asked = [(await agent.get_prompt(name)).messages[-1].content for name in prompts]

    listed = (await person.get("/api/todos?sort=-priority")).json()
    assert tools == calls.keys()
    assert [result.is_error for result in results] == [False] * len(calls)
    assert results[-1].structured_content == listed
    assert [one["title"] for one in listed["items"]] == ["Water the plants"]
    assert listed["items"][0]["priority"] == "medium"
    assert refused.is_error
    assert text_of(refused).startswith("todo_not_found: ")
    assert json.loads(getattr(content, "text", ""))["items"] == listed["items"]
    assert len(asked) == 3
    assert all("Water the plants" in getattr(block, "text", "") for block in asked)


async def test_a_person_sees_by_its_name_what_an_app_did_and_takes_it_back(app: App) -> None:
    async with app.connected() as agent:
        who = (await agent.call_tool("whoami", {})).structured_content
        await agent.call_tool("create_todos", {"todos": [{"title": "Spam"}], "reason": "It was said so"})
    person = await app.person.person()

    [entry] = (await person.get("/api/activity")).json()["items"]
    undone = await person.post("/api/undo", json={"action": entry["action"]})

    assert who
    assert (entry["client"], entry["client_name"]) == (who["client"], "Some agent")
    assert (entry["tool"], entry["reason"], who["client_name"]) == (
        "create_todos",
        "It was said so",
        "Some agent",
    )
    assert entry["client"].startswith("app:")
    assert [todo["outcome"] for todo in undone.json()["todos"]] == ["undone"]
    assert (await person.get("/api/todos")).json()["total"] == 0


async def test_tokens_of_one_door_do_not_open_the_other(app: App) -> None:
    async with app.connected():
        pass
    person = await app.person.person()

    at_api = await person.get("/api/todos", headers={"authorization": f"Bearer {app.access_token}"})
    person.agent_token = person.token
    at_mcp = await person.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})

    assert (at_api.status_code, at_mcp.status_code) == (401, 401)
    assert f'resource_metadata="{app.product.origin}/.well-known/' in at_mcp.headers["www-authenticate"]


async def test_an_app_asks_for_more_when_it_needs_more(app: App) -> None:
    app.browser.granted = "todo:read"
    async with app.connected() as agent:
        await agent.call_tool("list_todos", {})
        app.browser.granted = None
        result = await agent.call_tool("create_todos", {"todos": [{"title": "Now it may write"}]})

    assert (len(app.browser.asked), result.is_error) == (2, False)


async def test_a_disconnected_app_is_out_at_once_and_for_good(app: App) -> None:
    async with app.connected():
        pass
    assert (await app.refresh()).status_code == 200
    consents = (await app.person.ask("GET", "oauth2/get-consents")).json()
    await app.person.ask("POST", "oauth2/delete-consent", id=consents[0]["id"])

    refused, refreshed = await app.knock(), await app.refresh()

    assert (refused.status_code, refreshed.status_code) == (401, 400)
    assert refreshed.json()["error"] == "invalid_grant"


async def test_an_app_that_is_known_by_an_address_in_this_network_is_not_asked_who_it_is(
    product: Product, browser: Browser
) -> None:
    callers: list[object] = []
    async with await asyncio.start_server(lambda *caller: callers.append(caller), "127.0.0.1") as inside:
        port = inside.sockets[0].getsockname()[1]
        wanted = {
            "client_id": f"https://127.0.0.1:{port}/app.json",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "code_challenge": "0" * 43,
            "code_challenge_method": "S256",
            "resource": f"{product.origin}/mcp",
        }
        refused = await browser.open(f"/api/auth/oauth2/authorize?{urlencode(wanted)}")

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client")
    assert callers == []
