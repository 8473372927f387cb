"""What every request passes first: an id, a limit, headers, and a net for whatever goes wrong."""

import logging
import re
import time
from collections.abc import Container

import uuid_utils
from fastapi.responses import Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo.problems import InternalError, Problem
from todo.transport.body import read_body, replayed
from todo.transport.problem_json import problem_response

_logger = logging.getLogger(__name__)
_access = logging.getLogger("todo.access")
_OWN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HEADERS = {
    # May be kept, but asked about each time: that is what the ETags are for.
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    ),
}


class Guard:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, *, uploads: Container[str] = ()) -> None:
        """Let the routes at the paths of `uploads` take their bodies in themselves."""
        self._app = app
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; never lets an exception through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        if scope["method"] == "HEAD":
            # Answered as GET; the server knows what it was asked and leaves the body out.
            scope = {**scope, "method": "GET"}
        try:
            body = [] if scope["path"] in self._uploads else await read_body(scope, receive)
            await self._app(scope, replayed(body, receive), exchange.send)
        except Problem as problem:
            await exchange.answer(problem_response(problem, exchange.request_id), receive)
        except Exception:
            _logger.exception("request %s failed", exchange.request_id)
            if exchange.status == 0:
                await exchange.answer(problem_response(InternalError(), exchange.request_id), receive)
        finally:
            exchange.log()


class _Exchange:
    """One request and how its answer goes."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._started_at = time.perf_counter()
        self.status = 0
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        is_usable = _OWN_ID.fullmatch(given.decode("latin-1"))
        self.request_id = given.decode() if is_usable else uuid_utils.uuid7().hex
        # What the answer is to carry, however it comes about; whoever learns of more adds to it.
        self._headers = {"X-Request-ID": self.request_id}
        scope.setdefault("state", {}).update(request_id=self.request_id, answer_headers=self._headers)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update(self._headers)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def answer(self, response: Response, receive: Receive) -> None:
        await response(self._scope, receive, self.send)

    def log(self) -> None:
        milliseconds = (time.perf_counter() - self._started_at) * 1000
        # The path alone: a query may hold what a person searches for.
        _access.info(
            "%s %s %d %.1fms %s",
            self._scope["method"],
            self._scope["path"].encode("unicode_escape").decode(),
            self.status,
            milliseconds,
            self.request_id,
        )
