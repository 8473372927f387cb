"""Who asks and which transaction, per tool call."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from mcp.server.mcpserver.exceptions import ToolError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from todo.auth.user import Caller
from todo.database.transaction import Transaction
from todo.problems import Problem, Unauthenticated
from todo.settings import Limits
from todo.transport.http_request import Backend, authenticate, backend
from todo.transport.problem_json import problem_response

_caller: ContextVar[Caller] = ContextVar("caller")


class SignedInMcp:
    """Lets nobody speak MCP without a valid token; who speaks is known from it, never from the model."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one message of a signed-in caller."""
        request = Request(scope)
        try:
            caller = await authenticate(request)
            database = backend(request).database
            async with database.transaction(caller.user_id, caller.session_id, read_only=True):
                pass  # opening it is what asks whether the session still lives
        except Problem as problem:
            await problem_response(problem, request.state.request_id)(scope, receive, send)
            return
        token = _caller.set(caller)
        try:
            await self._app(scope, receive, send)
        finally:
            _caller.reset(token)


class ToolCalls:
    """Opens the transaction of a tool call, and says foreseen refusals so that a model can act on them."""

    def __init__(self, backend: Callable[[], Backend]) -> None:
        self._backend = backend

    @property
    def secret(self) -> bytes:
        """The installation's secret, for what has to be signed."""
        return self._backend().secret

    @property
    def limits(self) -> Limits:
        """What one person may do and have."""
        return self._backend().limits

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Open a transaction that cannot write."""
        async with self._transaction(read_only=True) as transaction:
            yield transaction

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        """Open a transaction that is committed before the call is answered."""
        async with self._transaction(read_only=False) as transaction:
            yield transaction

    @asynccontextmanager
    async def _transaction(self, *, read_only: bool) -> AsyncIterator[Transaction]:
        try:
            caller = _caller.get()
        except LookupError:
            raise ToolError(_said(Unauthenticated())) from None
        database = self._backend().database
        try:
            async with database.transaction(
                caller.user_id, caller.session_id, read_only=read_only
            ) as transaction:
                yield transaction
        except Problem as problem:
            raise ToolError(_said(problem)) from problem


def _said(problem: Problem) -> str:
    errors = "".join(f" {error['pointer']}: {error['detail']}." for error in problem.errors)
    return f"{problem.error_code}: {problem.detail}{errors}"
