"""The pages, and what a browser may do with them: load and run what is ours alone, frame them nowhere."""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from mimetypes import guess_type
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_APPLICATION = {
    **_POLICY,
    # Text of strangers becomes text on the page, never markup: the browser itself refuses everything else.
    "require-trusted-types-for": "'script'",
    # The one script that is named by its address: what keeps the page working without the server.
    "trusted-types": "todo-service-worker",
}
# What shows the API brings pictures along in its style sheet, and builds its page from markup.
_DOCUMENTATION = {**_POLICY, "img-src": "'self' data:"}

_ALONE = "same-origin"
# An app may open these two in a window of its own, which has to find the app again when the person is done.
_WITH_OPENER = "unsafe-none"

_KEPT = "private, no-cache"
# Going back must not show an account that has been signed out of since.
_NOT_KEPT = "no-store"
# Another content has another name.
_KEPT_FOR_GOOD = "public, max-age=31536000, immutable"
_ENCODINGS = {"br": ".br", "gzip": ".gz"}
_NOTHING = re.compile(r"0(\.0{0,3})?")


def page_routes(folder: Path) -> list[BaseRoute]:
    """Give the routes of every page, and of the files they are made of."""
    return [
        _page("/", folder / "index.html", _APPLICATION),
        _page("/docs", folder / "docs.html", _DOCUMENTATION),
        _page("/account", folder / "index.html", _APPLICATION, cache=_NOT_KEPT),
        _page("/activity", folder / "index.html", _APPLICATION, cache=_NOT_KEPT),
        _page("/apps", folder / "index.html", _APPLICATION, cache=_NOT_KEPT),
        _page("/login", folder / "index.html", _APPLICATION, opener=_WITH_OPENER, cache=_NOT_KEPT),
        _page("/consent", folder / "index.html", _APPLICATION, opener=_WITH_OPENER, cache=_NOT_KEPT),
        Route("/sw.js", _service_worker(folder / "sw.js"), methods=["GET"], include_in_schema=False),
        Mount("/static", StaticFiles(directory=folder)),
        Mount("/assets", _HashedFiles(directory=folder / "assets")),
    ]


def _service_worker(file: Path) -> Callable[[Request], Awaitable[Response]]:
    # It fetches by itself, so it says for itself what it may.
    headers = {
        "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
        "Cache-Control": "no-cache",
    }

    async def show(_request: Request) -> Response:
        return FileResponse(file, headers=headers, media_type="text/javascript")

    return show


class _HashedFiles(StaticFiles):
    """Files whose names change with their content, compressed when they were built."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        accepted = _accepted(Headers(scope=scope).get("accept-encoding", ""))
        media_type, _ = guess_type(path)
        for encoding, ending in _ENCODINGS.items():
            if encoding not in accepted:
                continue
            with suppress(HTTPException):
                response = await super().get_response(path + ending, scope)
                response.headers["Content-Encoding"] = encoding
                return _kept_for_good(response, media_type)
        return _kept_for_good(await super().get_response(path, scope), media_type)


def _accepted(header: str) -> set[str]:
    """Give the encodings that a client takes; one of weight 0 is one that it refuses."""
    items = (item.replace(" ", "").lower().partition(";q=") for item in header.split(","))
    return {name for name, _, weight in items if not _NOTHING.fullmatch(weight)}


def _kept_for_good(response: Response, media_type: str | None) -> Response:
    response.headers["Content-Type"] = media_type or "application/octet-stream"
    response.headers["Cache-Control"] = _KEPT_FOR_GOOD
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _page(
    path: str, file: Path, policy: Mapping[str, str], *, opener: str = _ALONE, cache: str = _KEPT
) -> Route:
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": opener,
        "Cache-Control": cache,
    }

    async def show(_request: Request) -> Response:
        return FileResponse(file, headers=headers)

    return Route(path, show, methods=["GET"], include_in_schema=False)
