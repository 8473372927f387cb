"""An agent in this process: the official MCP client, as a person's app runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from tests.factories import Person, Service


@asynccontextmanager
async def agent_of(
    service: Service, person: Person, mode: str = "auto", **options: Any
) -> AsyncIterator[Client]:
    """An MCP client with the person's token."""
    transport = httpx2.ASGITransport(service.app)
    headers = {"authorization": f"Bearer {person.agent_token}"}
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers) as http,
        Client(
            streamable_http_client("http://testserver/mcp", http_client=http), mode=mode, **options
        ) as client,
    ):
        yield client


async def result_of(service: Service, person: Person, tool: str, **arguments: Any) -> CallToolResult:
    """What one call answers."""
    async with agent_of(service, person) as agent:
        return await agent.call_tool(tool, arguments)


async def call(service: Service, person: Person, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer of one call that succeeds."""
    result = await result_of(service, person, tool, **arguments)
    assert not result.is_error, result.content
    content: dict[str, Any] | None = result.structured_content
    assert content is not None
    return content


async def refusal(service: Service, person: Person, tool: str, **arguments: Any) -> str:
    """What one call that is refused says."""
    result = await result_of(service, person, tool, **arguments)
    assert result.is_error
    return text_of(result)


def text_of(result: CallToolResult) -> str:
    """What a model reads."""
    [block] = result.content
    assert block.type == "text"
    return block.text
