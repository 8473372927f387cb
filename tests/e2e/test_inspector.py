"""The Inspector, on the started product: how its tools look from outside, in both eras of the protocol."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.inspector import SIGN_IN_NEEDED, TOOL_FAILED, Inspector
from tests.e2e.apps import App, Browser
from tests.e2e.people import Account
from tests.e2e.product import Product

TOOLS = Path(__file__).parents[2] / "specs/api/tools.json"


@pytest.fixture(params=["modern, with a token", "legacy, with a key"])
async def inspector(
    request: pytest.FixtureRequest, product: Product, account: Account, browser: Browser, tmp_path: Path
) -> Inspector:
    """The Inspector, let in."""
    era, _, credential = request.param.partition(", with a ")
    if credential == "token":
        app = App(product, account, browser)
        async with app.connected():
            header = f"Authorization: Bearer {app.access_token}"
    else:
        made = await (await account.person()).post("/api/keys", json={"name": "Inspector"})
        header = f"X-API-Key: {made.json()['key']}"
    address = f"{product.origin}/mcp"
    return Inspector(tmp_path, "--server-url", address, "--header", header, "--protocol-era", era)


async def test_the_inspector_finds_the_tools_in_order_and_uses_them(
    inspector: Inspector, account: Account
) -> None:
    tools = await inspector.ask("tools/list", "--strict")
    created = await inspector.call("create_todos", todos=[{"title": "Inspected"}])
    refused = await inspector.call("get_todo", todo_id=str(uuid4()), exit_code=TOOL_FAILED)

    todos = (await (await account.person()).get("/api/todos")).json()["items"]
    assert [tool["name"] for tool in tools["tools"]] == [
        tool["name"] for tool in json.loads(TOOLS.read_text())
    ]
    assert created["structuredContent"]["todos"] == todos
    assert "todo_not_found" in refused["content"][0]["text"]


async def test_the_inspector_reads_what_a_person_hands_to_an_agent(
    inspector: Inspector, account: Account
) -> None:
    await (await account.person()).make_todo("Water the plants")

    resources = await inspector.ask("resources/list")
    templates = await inspector.ask("resources/templates/list")
    read = await inspector.ask("resources/read", "--uri", "todo://todos/open")
    prompts = await inspector.ask("prompts/list")
    prompt = await inspector.ask("prompts/get", "--prompt-name", "plan_my_day")

    assert [resource["uri"] for resource in resources["resources"]] == ["todo://todos/open"]
    assert [template["uriTemplate"] for template in templates["resourceTemplates"]] == [
        "todo://todos/{todo_id}"
    ]
    assert "Water the plants" in read["contents"][0]["text"]
    assert {prompt["name"] for prompt in prompts["prompts"]} == {"plan_my_day", "triage", "weekly_review"}
    assert "Water the plants" in prompt["messages"][-1]["content"]["text"]


async def test_without_leave_the_inspector_is_told_to_sign_in(product: Product, tmp_path: Path) -> None:
    inspector = Inspector(tmp_path, "--server-url", f"{product.origin}/mcp", "--stored-auth-only")

    await inspector.ask("tools/list", "--protocol-era", "modern", exit_code=SIGN_IN_NEEDED)
