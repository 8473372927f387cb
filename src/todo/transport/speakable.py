"""What may be said of a request and of a failure, in logs, metrics and traces: never what a person wrote."""

import re
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from starlette.types import Scope

UNMATCHED = "unmatched"
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_WORD = re.compile(r"[a-z]{0,20}(?:[-_.][a-z]{1,20}){0,3}")
_MOST_SEGMENTS = 6
# Their messages are about the code or the machine. Others quote the value they stumbled over.
_ABOUT_THE_MACHINE = (
    ArithmeticError,
    AttributeError,
    ImportError,
    NameError,
    OSError,
    RuntimeError,
    TypeError,
)


def route_template(scope: Scope) -> str:
    """Give the path of the route a request was led to, with names in place of values; else `UNMATCHED`.

    There are as many answers as routes, so it can be a label of a metric.
    """
    route = scope.get("route") or _plain_route(scope)
    return UNMATCHED if route is None else str(route.path_format)


def _plain_route(scope: Scope) -> Any:
    # Only the framework's own kind of route enters itself in the scope.
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return None
    return next(
        (
            route
            for route in scope["app"].routes
            if endpoint in (getattr(route, "endpoint", None), getattr(route, "app", None))
        ),
        None,
    )


def speakable_path(path: str) -> str:
    """Give a path with `*` for whatever is no plain word: ids, tokens, addresses, and what was mistyped."""
    segments = path.split("/", _MOST_SEGMENTS)
    return "/".join(segment if _WORD.fullmatch(segment) else "*" for segment in segments)


def speakable_error(error: BaseException) -> str:
    """Give the kind of an error, and its message where that cannot quote a value."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    # PostgreSQL's own errors have a code; their messages quote rows.
    detail = getattr(error, "sqlstate", None) or (isinstance(error, _ABOUT_THE_MACHINE) and str(error))
    return f"{name}: {detail}" if detail else name


def speakable_trace(error: BaseException) -> str:
    """Give where an error came from, the first cause first, without the values that were at hand."""
    return "\n".join(_steps(error, set()))


def _steps(error: BaseException, told: set[int]) -> Iterator[str]:
    told.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for cause in (earlier, *parts):
        if cause is not None and id(cause) not in told:
            yield from _steps(cause, told)
            yield "… which led to:"
    yield "".join(traceback.format_tb(error.__traceback__)) + speakable_error(error)
