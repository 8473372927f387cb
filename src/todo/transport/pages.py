"""The pages, and what a browser may do with them: load and run what is ours alone, frame them nowhere."""

from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# Text of strangers becomes text on the page, never markup: the browser itself refuses everything else.
_TEXT_ONLY = {**_POLICY, "require-trusted-types-for": "'script'", "trusted-types": "'none'"}
# What shows the API brings pictures along in its style sheet, and builds its page from markup.
_DOCUMENTATION = {**_POLICY, "img-src": "'self' data:"}

_ALONE = "same-origin"
# An app may open these two in a window of its own, which has to find the app again when the person is done.
_WITH_OPENER = "unsafe-none"

_KEPT = "private, no-cache"
# Going back must not show an account that has been signed out of since.
_NOT_KEPT = "no-store"


def page_routes(folder: Path) -> list[BaseRoute]:
    """Give the routes of every page, and of the files they are made of."""
    return [
        _page("/", folder / "index.html", _TEXT_ONLY),
        _page("/docs", folder / "docs.html", _DOCUMENTATION),
        _page("/apps", folder / "apps.html", _TEXT_ONLY, cache=_NOT_KEPT),
        _page("/login", folder / "login.html", _TEXT_ONLY, opener=_WITH_OPENER, cache=_NOT_KEPT),
        _page("/consent", folder / "consent.html", _TEXT_ONLY, opener=_WITH_OPENER, cache=_NOT_KEPT),
        Mount("/static", StaticFiles(directory=folder)),
    ]


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
