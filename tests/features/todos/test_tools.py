"""The same verbs over MCP, spoken by the official client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.contracts.test_house_rules import VERBS
from tests.factories import Person, Service


@asynccontextmanager
async def agent_of(service: Service, person: Person, mode: str = "auto") -> AsyncIterator[Client]:
    """An MCP client with the person's token."""
    transport = httpx2.ASGITransport(service.app)
    headers = {"authorization": f"Bearer {person.agent_token}"}
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers) as http,
        Client(streamable_http_client("http://testserver/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


async def call(service: Service, person: Person, tool: str, **arguments: Any) -> dict[str, Any]:
    async with agent_of(service, person) as agent:
        result = await agent.call_tool(tool, arguments)
    assert not result.is_error, result.content
    content: dict[str, Any] | None = result.structured_content
    assert content is not None
    return content


async def refusal(service: Service, person: Person, tool: str, **arguments: Any) -> str:
    async with agent_of(service, person) as agent:
        result = await agent.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)  # type: ignore[union-attr]  # a refusal is text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tools_are_the_verbs(service: Service, alice: Person, mode: str) -> None:
    async with agent_of(service, alice, mode) as agent:
        tools = (await agent.list_tools()).tools

    assert {tool.name for tool in tools} == VERBS
    assert all(tool.annotations and tool.output_schema for tool in tools)
    assert not any("user_id" in str(tool.input_schema) for tool in tools)


async def test_what_an_agent_adds_is_what_rest_shows(service: Service, alice: Person) -> None:
    todo = await call(service, alice, "create_todo", title="Water the plants", priority="high")

    assert (await alice.get(f"/api/todos/{todo['id']}")).json() == todo


async def test_an_agent_does_the_five_jobs(service: Service, alice: Person) -> None:
    todo = await alice.make_todo()

    done = await call(service, alice, "complete_todo", todo_id=todo["id"])
    changed = await call(service, alice, "update_todo", todo_id=todo["id"], changes={"title": "New"})
    page = await call(service, alice, "list_todos", wanted={"status": "completed"})
    deleted = await call(service, alice, "delete_todo", todo_id=todo["id"])
    restored = await call(service, alice, "restore_todo", todo_id=todo["id"])

    assert done["is_completed"]
    assert page["items"] == [changed]
    assert deleted == {"id": todo["id"]}
    assert (restored["title"], restored["version"]) == ("New", 5)


async def test_refusals_name_their_code(service: Service, alice: Person, bob: Person) -> None:
    todo = await alice.make_todo()

    assert "todo_not_owned:" in await refusal(service, bob, "get_todo", todo_id=todo["id"])
    assert "todo_not_found:" in await refusal(service, bob, "delete_todo", todo_id=str(uuid4()))


@pytest.mark.parametrize(
    "arguments", [{"title": " "}, {"title": "x" * 201}, {"title": "x", "priority": "highest"}]
)
async def test_what_breaks_a_rule_is_refused(
    service: Service, alice: Person, arguments: dict[str, str]
) -> None:
    await refusal(service, alice, "create_todo", **arguments)

    assert (await alice.get("/api/todos")).json()["total"] == 0


async def test_agents_of_two_people_do_not_meet(service: Service, alice: Person, bob: Person) -> None:
    await call(service, alice, "create_todo", title="Mine")

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
