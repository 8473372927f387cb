"""The `/mcp` of a worker, open to the suite, which has no way to send a token."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from mcp.server.mcpserver import MCPServer
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.e2e.product import free_port
from tests.factories import Service
from tests.streams import served
from todo.app import create_app


@asynccontextmanager
async def open_mcp(
    service: Service, add: Callable[[MCPServer[None]], None] = lambda _server: None
) -> AsyncIterator[str]:
    """Serve the whole application, for one new person; `add` to its MCP server; give the address."""
    port = free_port()
    app = create_app(replace(service.wiring, origin=f"http://localhost:{port}"))
    add(app.state.mcp)
    async with served(_SigningIn(app, str(service.person().agent_token)), port=port):
        yield f"http://localhost:{port}/mcp"


class _SigningIn:
    """Adds to every request the token that the suite cannot send."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._header = (b"authorization", f"Bearer {token}".encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], self._header]}
        await self._app(scope, receive, send)
