"""`todo mcp`: MCP over standard input and output, passed on to the running service with an API key."""

import signal
from collections.abc import AsyncIterable, Awaitable, Callable

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.server.stdio import stdio_server
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
)
from mcp.shared.message import ClientMessageMetadata, SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)

from todo.problems import CannotStart

_PING = {"jsonrpc": "2.0", "id": 0, "method": "ping"}
_TAKES = {"accept": "application/json, text/event-stream"}
_TIMEOUT = httpx2.Timeout(30, read=300)
_LAST_ANSWERS_SECONDS = 10.0

Incoming = AsyncIterable[SessionMessage | Exception]
Send = Callable[[SessionMessage], Awaitable[None]]


def speak_stdio(origin: str, key: str | None) -> None:
    """Serve one MCP client on standard input and output until it hangs up.

    Raises `CannotStart` when there is no key, or the service does not take it or does not answer.
    """
    if not key:
        raise CannotStart("Set TODO_API_KEY to an API key of yours.")
    # A thread waits for input and cannot be called off; there is nothing here that has to be put away.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _refuse_unless_let_in(origin, key)
    anyio.run(_serve, origin, key)


def _refuse_unless_let_in(origin: str, key: str) -> None:
    try:
        answer = httpx2.post(f"{origin}/mcp", json=_PING, headers={**_TAKES, "x-api-key": key}, timeout=20)
    except httpx2.TransportError as error:
        raise CannotStart(
            f"Nothing answers at {origin}: start it with `todo serve`, or set TODO_ORIGIN."
        ) from error
    if answer.status_code == httpx2.codes.UNAUTHORIZED:
        raise CannotStart(f"{origin} does not know this API key: it was mistyped or revoked.")
    if answer.status_code != httpx2.codes.OK:
        raise CannotStart(f"{origin} does not speak MCP: {reason_of(answer)}")


async def _serve(origin: str, key: str) -> None:
    transport = SaidAsMcp(httpx2.AsyncHTTPTransport(), origin)
    async with (
        httpx2.AsyncClient(transport=transport, headers={"x-api-key": key}, timeout=_TIMEOUT) as http,
        stdio_server() as (incoming, outgoing),
        outgoing,
    ):
        await pass_on(incoming, outgoing.send, f"{origin}/mcp", http)


async def pass_on(incoming: Incoming, send: Send, url: str, http: httpx2.AsyncClient) -> None:
    """Pass a client's messages on to the service and the answers back, until the client hangs up."""
    exchange = _Exchange()
    async with (
        streamable_http_client(url, http_client=http) as (answers, questions),
        anyio.create_task_group() as tasks,
    ):

        async def pass_back() -> None:
            async for answer in answers:
                if isinstance(answer, SessionMessage):
                    await send(answer)
                    exchange.note_answer(answer)

        tasks.start_soon(pass_back)
        async for message in incoming:
            if isinstance(message, SessionMessage):
                await questions.send(exchange.addressed(message))
            else:
                await send(_unreadable())
        with anyio.move_on_after(_LAST_ANSWERS_SECONDS):
            await exchange.ended()
        tasks.cancel_scope.cancel()


class _Exchange:
    """What one client has asked and not been answered, and the version of MCP it speaks."""

    def __init__(self) -> None:
        self._open: set[RequestId] = set()
        self._greeting: RequestId | None = None
        self._version: str | None = None
        self._answered = anyio.Event()

    def addressed(self, message: SessionMessage) -> SessionMessage:
        """Give a message with the headers that HTTP wants besides."""
        asked = message.message
        if isinstance(asked, JSONRPCRequest):
            self._open.add(asked.id)
            if asked.method == "initialize":
                self._greeting = asked.id
        elif isinstance(asked, JSONRPCNotification) and asked.method == "notifications/cancelled":
            self._open.discard((asked.params or {}).get("requestId", ""))
        return SessionMessage(asked, ClientMessageMetadata(headers=self._headers(asked)))

    def _headers(self, asked: JSONRPCMessage) -> dict[str, str]:
        params = getattr(asked, "params", None) or {}
        version = (params.get("_meta") or {}).get(PROTOCOL_VERSION_META_KEY)
        if not isinstance(version, str):
            # Until 2025 a client named its version once, in its first message.
            return {MCP_PROTOCOL_VERSION_HEADER: self._version} if self._version else {}
        method = getattr(asked, "method", "")
        headers = {MCP_PROTOCOL_VERSION_HEADER: version, MCP_METHOD_HEADER: method}
        name = params.get(NAME_BEARING_METHODS.get(method, ""))
        return {**headers, MCP_NAME_HEADER: encode_header_value(name)} if isinstance(name, str) else headers

    def note_answer(self, message: SessionMessage) -> None:
        """Learn from an answer that has been passed back."""
        answer = message.message
        if isinstance(answer, JSONRPCResponse | JSONRPCError) and answer.id is not None:
            self._open.discard(answer.id)
            if isinstance(answer, JSONRPCResponse) and answer.id == self._greeting:
                self._version = answer.result.get("protocolVersion")
            self._answered.set()

    async def ended(self) -> None:
        """Wait until nothing is open any more."""
        while self._open:
            self._answered = anyio.Event()
            await self._answered.wait()


class SaidAsMcp(httpx2.AsyncBaseTransport):
    """Turns what HTTP says, and that nobody answers, into errors that an MCP client shows."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, origin: str) -> None:
        self._transport = transport
        self._origin = origin

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one message."""
        try:
            response = await self._transport.handle_async_request(request)
        except httpx2.TransportError:
            return _error(503, f"unavailable: nothing answers at {self._origin}; try again shortly.")
        if "problem+json" not in response.headers.get("content-type", ""):
            return response
        await response.aread()
        await response.aclose()
        return _error(response.status_code, reason_of(response))

    async def aclose(self) -> None:
        """Hang up."""
        await self._transport.aclose()


def _error(status: int, message: str) -> httpx2.Response:
    error = {"code": INTERNAL_ERROR, "message": message}
    return httpx2.Response(status, json={"jsonrpc": "2.0", "id": None, "error": error})


def _unreadable() -> SessionMessage:
    error = ErrorData(code=PARSE_ERROR, message="this line is no message of MCP")
    return SessionMessage(JSONRPCError(jsonrpc="2.0", id=None, error=error))


def reason_of(response: httpx2.Response) -> str:
    """Give what the service says about why it refused."""
    try:
        problem = response.json()
        return f"{problem['error_code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}"
