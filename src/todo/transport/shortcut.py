"""The short way to a compiled route."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from fastapi import Request, Response
from starlette.convertors import PathConvertor
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from todo.transport.compiled_call import NotPlainError
from todo.transport.compiled_route import CompiledRoute, leave_to_framework

_Handler = Callable[[Request, Exception], Awaitable[Response]]


class Shortcut:
    """Middleware that leads a request straight to its compiled route, if it has one.

    The framework asks every route in turn, and each request passes layers that only streams, files and traces
    need. Here those are asked that may be meant; what they answer or raise is the same. Whatever is not plain
    goes the framework's way.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        """Lead to the application's routes, which are these; its exception handlers are coroutines."""
        self._app = app
        self._routes = {
            key: [route for route in routes if _may_match(route, *key)]
            for route in routes
            if isinstance(route, CompiledRoute)
            for key in _keys(route)
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        route = self._route(scope) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive, send)
        try:
            response = await route.answer(request)
        except NotPlainError:
            await self._app(scope, await leave_to_framework(request), send)
            return
        except Exception as error:
            handler = _handler(scope, error)
            if handler is None:
                raise
            response = await handler(request, error)
        await response(scope, receive, send)

    def _route(self, scope: Scope) -> CompiledRoute | None:
        for route in self._routes.get((scope["method"], scope["path"].count("/")), ()):
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                if not (isinstance(route, CompiledRoute) and route.is_compiled):
                    return None
                scope.update(child_scope)
                return route
        return None


def _keys(route: Route) -> Iterator[tuple[str, int]]:
    for method in route.methods or ():
        yield method, route.path.count("/")


def _may_match(route: BaseRoute, method: str, slashes: int) -> bool:
    """Whether a request of this method, with so many slashes in its path, may be meant for the route."""
    if not isinstance(route, Route) or any(
        isinstance(convertor, PathConvertor) for convertor in route.param_convertors.values()
    ):
        return True
    return (method, slashes) in _keys(route)


def _handler(scope: Scope, error: Exception) -> _Handler | None:
    handlers: dict[Any, _Handler] = scope["app"].exception_handlers
    # That of anything else answers, but what nobody expected is for the guard to see.
    expected = (kind for kind in type(error).__mro__ if kind is not Exception)
    return next((handlers[kind] for kind in expected if kind in handlers), None)
