"""HTTP/1.1 as uvicorn speaks it, with an end to the patience for callers who do not say what they want."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# From the first byte of a connection, or of a further request on it, to the end of the headers.
HEADERS_TIMEOUT_SECONDS = 10.0


class PunctualHttpProtocol(HttpToolsProtocol):
    """Closes connections that stay silent or send their headers too slowly; uvicorn itself waits for ever."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_headers()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_headers()

    def on_headers_complete(self) -> None:
        self._have_headers()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            # Refused before all of the body was there: the rest is let in, so that the caller, who may not
            # listen while speaking, can read the answer; but not for ever.
            self._expect_headers()

    def _expect_headers(self) -> None:
        self._have_headers()
        self._deadline = asyncio.get_running_loop().call_later(HEADERS_TIMEOUT_SECONDS, self.transport.close)

    def _have_headers(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
