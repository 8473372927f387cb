"""Passing MCP on between a client's pipe and the service, with the official client at the other end."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCRequest, JSONRPCResponse

from tests.factories import Person, Service
from todo.serve.stdio import SaidAsMcp, pass_on

ORIGIN = "http://testserver"


async def key_of(person: Person, *scopes: str) -> str:
    answer = await person.post(
        "/api/keys", json={"name": "Desktop", "scopes": scopes or ["todo:read", "todo:write"]}
    )
    key: str = answer.json()["key"]
    return key


@asynccontextmanager
async def piped(transport: httpx2.AsyncBaseTransport, key: str, mode: str = "auto") -> AsyncIterator[Client]:
    """A client whose messages are passed on, as over standard input and output."""
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage](math.inf)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)
    http = httpx2.AsyncClient(transport=SaidAsMcp(transport, ORIGIN), headers={"x-api-key": key})

    @asynccontextmanager
    async def pipe() -> AsyncIterator[Any]:
        yield from_server, to_server

    async with anyio.create_task_group() as tasks, http, to_server, to_client, from_client, from_server:
        tasks.start_soon(pass_on, from_client, to_client.send, f"{ORIGIN}/mcp", http)
        async with Client(pipe(), mode=mode) as client:
            yield client
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_tools_are_those_of_the_service(service: Service, alice: Person, mode: str) -> None:
    async with piped(httpx2.ASGITransport(service.app), await key_of(alice), mode) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        added = await client.call_tool("create_todos", {"todos": [{"title": "Wäsche 🧺"}]})

    assert {"list_todos", "create_todos"} <= listed
    assert not added.is_error
    assert [todo["title"] for todo in (await alice.get("/api/todos")).json()["items"]] == ["Wäsche 🧺"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_what_the_key_may_not_do_is_said(service: Service, alice: Person, mode: str) -> None:
    async with piped(httpx2.ASGITransport(service.app), await key_of(alice, "todo:read"), mode) as client:
        with pytest.raises(MCPError, match=r"insufficient_scope: .* lacks the scope todo:write"):
            await client.call_tool("create_todos", {"todos": [{"title": "No"}]})
        page = await client.call_tool("list_todos", {})

    assert not page.is_error


class Flaky(httpx2.AsyncBaseTransport):
    """A service that can be away."""

    def __init__(self, service: Service) -> None:
        self._there = httpx2.ASGITransport(service.app)
        self.is_away = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.is_away:
            raise httpx2.ConnectError("refused", request=request)
        return await self._there.handle_async_request(request)


async def test_a_service_that_is_away_is_told_and_used_again_when_it_is_back(
    service: Service, alice: Person
) -> None:
    flaky = Flaky(service)
    async with piped(flaky, await key_of(alice)) as client:
        flaky.is_away = True
        with pytest.raises(MCPError, match="unavailable: nothing answers at http://testserver"):
            await client.call_tool("list_todos", {})
        flaky.is_away = False
        page = await client.call_tool("list_todos", {})

    assert not page.is_error


async def messages(*sent: SessionMessage | Exception) -> AsyncIterator[SessionMessage | Exception]:
    for message in sent:
        yield message


def collect(into: list[Any]) -> Callable[[SessionMessage], Awaitable[None]]:
    async def send(message: SessionMessage) -> None:
        into.append(message.message)

    return send


async def test_who_hangs_up_after_asking_is_still_answered(service: Service, alice: Person) -> None:
    answers: list[JSONRPCResponse | JSONRPCError] = []
    asked = [SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=number, method="ping")) for number in (1, 2)]
    headers = {"x-api-key": await key_of(alice)}

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(service.app), headers=headers) as http:
        await pass_on(messages(*asked), collect(answers), f"{ORIGIN}/mcp", http)

    assert {answer.id for answer in answers if isinstance(answer, JSONRPCResponse)} == {1, 2}


async def test_a_line_that_is_no_message_is_answered_as_json_rpc_says(service: Service) -> None:
    answers: list[JSONRPCError] = []

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(service.app)) as http:
        await pass_on(messages(ValueError("no JSON")), collect(answers), f"{ORIGIN}/mcp", http)

    assert [(answer.id, answer.error.code) for answer in answers] == [(None, -32700)]
