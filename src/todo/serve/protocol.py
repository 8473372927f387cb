"""HTTP/1.1 as uvicorn speaks it, with an end to the patience for callers who neither ask nor read."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# From the first byte of a connection, or of a further request on it, to the end of the headers.
HEADERS_TIMEOUT_SECONDS = 10.0
# At a stop: what the first request of a connection just made may take to arrive.
_LAST_REQUEST_SECONDS = 1.0


class Together:
    """A transport that keeps an answer's head until its body is there, for both to leave in one write.

    Each write is a call of the kernel that wakes the reader. Where the body takes its time, as a stream's
    does, the head goes ahead.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._soon = asyncio.get_running_loop().call_soon

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, or keep what ends as a head does until the next comes, or until nobody else is ready."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.endswith(b"\r\n\r\n"):
            self._head = data
            self._soon(self._send_head)
            return
        self._transport.write(data)

    def close(self) -> None:
        """Close once everything is written."""
        self._send_head()
        self._transport.close()

    def _send_head(self) -> None:
        if self._head:
            self.write(b"")


class PunctualHttpProtocol(HttpToolsProtocol):
    """Closes connections that stay silent, send their headers too slowly, or do not take their answer.

    Uvicorn itself waits for ever.
    """

    # How long an answer that no longer fits into the buffers waits for its reader.
    reading_timeout_seconds = 30.0
    _deadline: asyncio.TimerHandle | None = None
    _reading_deadline: asyncio.TimerHandle | None = None
    _is_ending = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent
        super().connection_made(Together(transport))  # type: ignore[arg-type]  # all of one that is used
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

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._is_ending:
            self._expect_headers()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Blanks around a value are no part of it (RFC 9110, 5.5); the parser leaves those that follow.
        super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        self._have_headers()
        super().on_headers_complete()
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
