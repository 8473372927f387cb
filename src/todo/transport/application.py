"""The framework's application, with what every request passes outside of it."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from todo.transport.guard import Guard
from todo.transport.shortcut import Shortcut


class Application(FastAPI):
    """Behind the guard, and behind the shortcut if there is one.

    Added as middleware, they would stand behind three of the framework's own, which cost every request.
    """

    def __init__(self, guard: Callable[[ASGIApp], Guard], *, has_shortcut: bool, **options: Any) -> None:
        super().__init__(**options)
        self._guard = guard
        self._has_shortcut = has_shortcut

    def build_middleware_stack(self) -> ASGIApp:
        """Build what is called for each request."""
        stack = super().build_middleware_stack()
        return self._guard(Shortcut(stack, self.routes) if self._has_shortcut else stack)
