"""Streams of events as a client reads them, over real HTTP."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import uvicorn
from starlette.types import ASGIApp

from tests.e2e.waiting import until
from tests.factories import Person, Service
from todo.app import create_app
from todo.serve.http_server import ConsiderateServer
from todo.serve.protocol import PunctualHttpProtocol

_PATIENCE_SECONDS = 20.0
_IDLE_SECONDS = 40.0


class Stream:
    """An open stream."""

    def __init__(
        self, response: httpx2.Response, events: AsyncGenerator[httpx2.ServerSentEvent, None]
    ) -> None:
        self.response = response
        self._events = events

    async def next(self, *, seconds: float = _PATIENCE_SECONDS) -> httpx2.ServerSentEvent:
        """Wait for the next event."""
        async with asyncio.timeout(seconds):
            return await anext(self._events)

    async def take(self, count: int) -> list[httpx2.ServerSentEvent]:
        """Wait for so many events."""
        return [await self.next() for _ in range(count)]

    async def rest(self) -> list[httpx2.ServerSentEvent]:
        """Wait for the end, and give what came before it."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return [event async for event in self._events]


@asynccontextmanager
async def following(
    person: Person, since: str | None = None, *, last_event_id: str | None = None
) -> AsyncIterator[Stream]:
    """Open a stream of the person's changes."""
    headers = {"authorization": f"Bearer {person.token}"}
    if last_event_id is not None:
        headers["last-event-id"] = last_event_id
    query = {} if since is None else {"since": since}
    async with person.client.stream(
        "GET", "/api/events", params=query, headers=headers, timeout=_IDLE_SECONDS
    ) as response:
        assert response.status_code == 200, await response.aread()
        async with aclosing(_events(response)) as events:
            yield Stream(response, events)


async def _events(response: httpx2.Response) -> AsyncGenerator[httpx2.ServerSentEvent, None]:
    async for event in httpx2.EventSource(response):
        yield event


@asynccontextmanager
async def worker(service: Service, **wiring: Any) -> AsyncIterator[Service]:
    """Another worker on the same database, that is reached over HTTP."""
    wired = replace(service.wiring, **wiring)
    app = create_app(wired)
    async with (
        served(app) as (_, address),
        httpx2.AsyncClient(base_url=address, timeout=_IDLE_SECONDS) as client,
    ):
        another = Service(app, wired, service.owner_url, service.issuer)
        another.client = client
        yield another


@asynccontextmanager
async def served(
    app: ASGIApp, http: type[PunctualHttpProtocol] = PunctualHttpProtocol, *, port: int = 0
) -> AsyncIterator[tuple["WorkersServer", str]]:
    """Serve an application as a worker does; give the server and its address."""
    config = uvicorn.Config(app, lifespan="on", http=http, log_config=None, timeout_graceful_shutdown=15)
    server = WorkersServer(config)
    with socket.create_server(("127.0.0.1", port)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started or serving.done(), "the server listens")
        try:
            yield server, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class WorkersServer(ConsiderateServer):
    """The server of a worker, without a process of its own."""

    _listeners: list[socket.socket] | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._listeners = sockets
        await super().serve(sockets)

    async def stop_at_once(self) -> None:
        """Stop before anybody has a turn, not at the server's next look at whether it should."""
        await self.shutdown(self._listeners)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs the tests."""
        yield
