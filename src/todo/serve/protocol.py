"""HTTP/1.1 as uvicorn speaks it, with an end to the patience for callers who neither ask nor read."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from todo.serve.corked import CorkedTransport
from todo.transport.body import WHOLE_REQUEST

# From the first byte of a connection, or of a further request on it, to the end of the headers.
HEADERS_TIMEOUT_SECONDS = 10.0
# At a stop: what the first request of a connection just made may take to arrive.
_LAST_REQUEST_SECONDS = 1.0
# What no header may have in it, beside line breaks (RFC 9110, 5.5).
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\r\n"))


class InOnePiece:
    """The application, for one request: what it answers leaves in one write where it is there at once.

    Where all of the request is there it is told so, for it needs no timer then. Uvicorn looks through each
    header by itself, and writes head and body apart; each write calls the kernel and wakes the reader.
    What takes its time, as a stream does, and whatever ends a connection goes uvicorn's way.
    """

    cycle: RequestResponseCycle
    transport: CorkedTransport

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._start: Message | None = None
        self._head = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""
        self._send = send
        if not self.cycle.more_body:
            scope["extensions"] = {WHOLE_REQUEST: {}}
        await self._app(scope, receive, self._say)

    async def _say(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._keep(message):
            return
        start, self._start = self._start, None
        if start is not None:
            if self._is_all_there(message):
                self._write(message["body"])
                return
            await self._send(start)
        await self._send(message)

    def _keep(self, start: Message) -> bool:
        """Keep a head with whose body it can leave, unless uvicorn has to see anything about it."""
        cycle = self.cycle
        if cycle.response_started or self._start is not None or cycle.scope["method"] == "HEAD":
            return False
        headers = [*cycle.default_headers, *start["headers"]]
        head = STATUS_LINE[start["status"]] + b"\r\n".join(map(b": ".join, headers)) + b"\r\n\r\n"
        ends = len(headers) + 2
        if (
            b"\r\ncontent-length: " not in head
            or b"\r\nconnection: " in head
            or head.count(b"\r") != ends
            or head.count(b"\n") != ends
            or len(head.translate(None, _CONTROLS)) != len(head)
        ):
            return False
        self._start, self._head = start, head
        return True

    def _is_all_there(self, message: Message) -> bool:
        body, cycle = message.get("body"), self.cycle
        return (
            isinstance(body, bytes)
            and not message.get("more_body")
            and cycle.keep_alive
            and not cycle.disconnected
            and not cycle.flow.write_paused
            and b"\r\ncontent-length: %d\r\n" % len(body) in self._head
        )

    def _write(self, body: bytes) -> None:
        cycle = self.cycle
        cycle.waiting_for_100_continue = False
        cycle.response_started = cycle.response_complete = True
        self.transport.write_soon(self._head + body)
        cycle.message_event.set()
        cycle.on_response()


class PunctualHttpProtocol(HttpToolsProtocol):
    """Closes connections that stay silent, send their headers too slowly, or do not take their answer.

    Uvicorn itself waits for ever.
    """

    # How long an answer that no longer fits into the buffers waits for its reader.
    reading_timeout_seconds = 30.0
    _deadline: asyncio.TimerHandle | None = None
    _reading_deadline: asyncio.TimerHandle | None = None
    _is_ending = False
    # A request of which not all headers are there yet.
    _has_begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent
        self._corked = CorkedTransport(transport)
        super().connection_made(self._corked)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_headers()
        self._is_read()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Take no more requests; the one at work is finished, and a stream is told to end.

        A connection that has just been made may have its first request on the way: that is answered still.
        """
        self.app_state["end_streams"]()
        if self.cycle is None:
            self._is_ending = True
            self._expect_headers(_LAST_REQUEST_SECONDS)
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # As a rule a request comes whole, and nobody needs to wait for it.
        if self._has_begun:
            self._has_begun = False
            if not self._is_ending:
                self._expect_headers()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._has_begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        # Blanks around a value are no part of it (RFC 9110, 5.5); the parser leaves those that follow.
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        self._has_begun = False
        self._have_headers()
        app = self.app
        self.app = whole = InOnePiece(app)
        super().on_headers_complete()
        self.app = app
        # Of an upgrade, which is refused, there is none.
        whole.cycle, whole.transport = self.cycle, self._corked
        if self._is_ending:
            self.cycle.keep_alive = False

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading_deadline = asyncio.get_running_loop().call_later(
            self.reading_timeout_seconds, self.transport.abort
        )

    def resume_writing(self) -> None:
        self._is_read()
        super().resume_writing()

    def _is_read(self) -> None:
        if self._reading_deadline is not None:
            self._reading_deadline.cancel()
            self._reading_deadline = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            # Refused before all of the body was there: the rest is let in, so that the caller, who may not
            # listen while speaking, can read the answer; but not for ever.
            self._expect_headers()

    def _expect_headers(self, seconds: float = HEADERS_TIMEOUT_SECONDS) -> None:
        self._have_headers()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.transport.close)

    def _have_headers(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
