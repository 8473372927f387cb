"""AI agents, with the official MCP client, on the really started product."""

import pytest

from tests.e2e.apps import App, Browser
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
