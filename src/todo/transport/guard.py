"""What every request passes first: an id, a limit, headers, and a net for whatever goes wrong."""

import logging
import re
from collections.abc import Container, Iterable

import uuid_utils
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo.problems import InternalError, Problem
from todo.transport import speakable
from todo.transport.access_log import log_access
from todo.transport.body import read_body, replayed
from todo.transport.metrics import RequestMetrics
from todo.transport.problem_json import problem_response

_logger = logging.getLogger(__name__)
RawHeader = tuple[bytes, bytes]
_OWN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HEADERS = [
    (name.lower().encode(), value.encode())
    for name, value in {
        # May be kept, but asked about each time: that is what the ETags are for.
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        # For data, should a browser ever take it for a page; the pages say for themselves what they need.
        "Content-Security-Policy": (
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Frame-Options": "DENY",
    }.items()
]
_HEADER_NAMES = frozenset(name for name, _ in _HEADERS)


class Guard:
    """The outermost middleware."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics, uploads: Container[str] = ()) -> None:
        """Let the routes at the paths of `uploads` take their bodies in themselves."""
        self._app = app
        self._metrics = metrics
        self._uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; never lets an exception through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        context = speakable.request_id.set(exchange.request_id)
        began = self._metrics.begin()
        try:
            body = [] if scope["path"] in self._uploads else await read_body(scope, receive)
            await self._app(exchange.scope, replayed(body, receive), exchange.send)
        except Problem as problem:
            await exchange.answer(problem_response(problem, exchange.request_id), receive)
        except Exception:
            _logger.exception("request failed")
            if exchange.status == 0:
                await exchange.answer(problem_response(InternalError(), exchange.request_id), receive)
        finally:
            route = speakable.route_template(exchange.scope)
            seconds = self._metrics.end(began, scope["method"], route, exchange.status)
            exchange.log(route, seconds)
            speakable.request_id.reset(context)


class _Exchange:
    """One request and how its answer goes."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._method = scope["method"]
        self._send = send
        self.status = 0
        self.request_id = _given_id(scope) or uuid_utils.uuid7().hex
        # What the answer is to carry, however it comes about; whoever learns of more adds to it.
        self._headers = {b"x-request-id": self.request_id.encode()}
        scope.setdefault("state", {}).update(request_id=self.request_id, answer_headers=self._headers)
        # HEAD is worked on as GET.
        self.scope = {**scope, "method": "GET"} if self._method == "HEAD" else scope

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._completed(message.get("headers", ()))
        if self._method == "HEAD":
            await self._send_head(message)
        else:
            await self._send(message)

    def _completed(self, headers: Iterable[RawHeader]) -> list[RawHeader]:
        complete = [header for header in headers if header[0] not in self._headers]
        given = {name for name, _ in complete}
        complete += self._headers.items()
        # As a rule none of them is there already.
        return complete + (
            _HEADERS
            if _HEADER_NAMES.isdisjoint(given)
            else [header for header in _HEADERS if header[0] not in given]
        )

    async def _send_head(self, message: Message) -> None:
        # Complete without its body: a stream would go on and on for somebody who hears nothing of it.
        if message["type"] == "http.response.start":
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b""})

    async def answer(self, response: Response, receive: Receive) -> None:
        await response(self.scope, receive, self.send)

    def log(self, route: str, seconds: float) -> None:
        # Neither ids nor what somebody typed: a path may hold a token, and a query what a person looks for.
        is_whole = route != speakable.UNMATCHED and not route.endswith("{path}")
        path = route if is_whole else speakable.speakable_path(self.scope["path"])
        log_access(self._method, path, self.status, seconds)


def _given_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            return given if _OWN_ID.fullmatch(given) else None
    return None
