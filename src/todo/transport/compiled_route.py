"""A route whose call is compiled, as far as it can be; the rest is done as FastAPI does it."""

from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from todo.transport.body import replayed
from todo.transport.compiled_call import CompiledCall, NotPlainError

_IS_LEFT = "is_left_to_framework"


class CompiledRoute(APIRoute):
    """Answers, documents and refuses like any route of FastAPI, in a third of the time."""

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        super().__init__(path, *arguments, **options)
        self._by_the_framework, self.app = self.app, self._serve
        try:
            self._compiled: CompiledCall | None = CompiledCall.of(self)
        except NotPlainError:
            self._compiled = None

    @property
    def is_compiled(self) -> bool:
        """Whether all that it declares is known here."""
        return self._compiled is not None

    async def enter(self, request: Request) -> None:
        """Do what comes before everything else, or refuse."""

    async def answer(self, request: Request) -> Response:
        """Answer; raises `NotPlainError`, after `enter` alone, for what the framework has to do."""
        await self.enter(request)
        if self._compiled is None:
            raise NotPlainError
        return await self._compiled(request)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        if not self.is_compiled:
            await self.enter(request)
        elif not scope.get(_IS_LEFT):
            try:
                response = await self.answer(request)
            except NotPlainError:
                receive = await leave_to_framework(request)
            else:
                await response(scope, receive, send)
                return
        await self._by_the_framework(scope, receive, send)


async def leave_to_framework(request: Request) -> Receive:
    """Have a route's request done by the framework; give what it is received by from now on."""
    request.scope[_IS_LEFT] = True
    return replayed([{"type": "http.request", "body": await request.body()}], request.receive)
