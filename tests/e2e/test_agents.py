"""AI agents, with the official MCP client, on the really started product."""

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.people import Account
from tests.e2e.product import Product


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_adds_a_todo_that_its_person_sees(
    product: Product, account: Account, mode: str
) -> None:
    person = await account.person()
    headers = {"authorization": f"Bearer {person.token}"}

    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(f"{product.address}/mcp", http_client=http), mode=mode) as agent,
    ):
        result = await agent.call_tool("create_todo", {"title": "Ask the agent"})

    assert (await person.get("/api/todos")).json()["items"] == [result.structured_content]


async def test_an_agent_is_out_as_soon_as_its_session_is_revoked(account: Account) -> None:
    person = await account.person()
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    await account.ask("POST", "revoke-sessions")

    response = await person.post("/mcp", json=message)

    assert (response.status_code, response.json()["error_code"]) == (401, "unauthenticated")
