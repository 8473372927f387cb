"""Who asks and which transaction, per tool call."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as StarletteScope

from todo.auth.user import Caller, Scope
from todo.database.transaction import Transaction
from todo.problems import Forbidden, NotFound, Problem, Unauthenticated
from todo.settings import Limits
from todo.transport.agent_writes import WriteBudget
from todo.transport.body import replayed
from todo.transport.callers import client_of, provenance_of, require_scope, standing_of
from todo.transport.http_request import Backend, admit, backend
from todo.transport.problem_json import problem_response

_T = TypeVar("_T")
_caller: ContextVar[Caller] = ContextVar("caller")


class SignedInMcp:
    """Lets nobody speak MCP without a valid token; who speaks is known from it, never from the model.

    What it refuses it refuses as OAuth says, so that a client knows where to sign in and what to ask for.
    """

    def __init__(self, app: ASGIApp, *, metadata_url: str, reading_tools: Collection[str]) -> None:
        self._app = app
        self._challenge = f'Bearer resource_metadata="{metadata_url}"'
        self._reading_tools = reading_tools

    async def __call__(self, scope: StarletteScope, receive: Receive, send: Send) -> None:
        """Serve one message of a signed-in caller."""
        request = Request(scope, receive)
        try:
            caller = await admit(request, backend(request).agent_tokens)
            body = await request.body()
            require_scope(caller, self._scope_for(body), challenge=self._challenge)
            shared = backend(request)
            # Opening it is what asks whether the token still stands.
            async with shared.database.transaction(
                caller.user_id, standing_of(caller), read_only=True
            ) as transaction:
                caller = await shared.app_names.named(caller, transaction)
        except Problem as problem:
            if isinstance(problem, Unauthenticated):
                problem.headers["WWW-Authenticate"] = self._unauthenticated(problem)
            await problem_response(problem, request.state.request_id)(scope, receive, send)
            return
        token = _caller.set(caller)
        try:
            await self._app(scope, replayed([_whole(body)], receive), send)
        finally:
            _caller.reset(token)

    def _unauthenticated(self, problem: Unauthenticated) -> str:
        error = ', error="invalid_token"' if "error=" in problem.headers["WWW-Authenticate"] else ""
        return f'{self._challenge}{error}, scope="{" ".join(Scope)}"'

    def _scope_for(self, body: bytes) -> Scope:
        # Asked before the server works on it: refused within a tool, a client learns not to ask for more.
        try:
            message = json.loads(body)
            is_call = message["method"] == "tools/call"
            name = message["params"]["name"] if is_call else None
        except (ValueError, KeyError, TypeError):
            return Scope.READ  # nothing the server understands, as it will say itself
        return Scope.WRITE if is_call and name not in self._reading_tools else Scope.READ


def _whole(body: bytes) -> Message:
    return {"type": "http.request", "body": body, "more_body": False}


@contextmanager
def refused_as_resource() -> Iterator[None]:
    """Say a foreseen refusal as reading a resource does."""
    try:
        yield
    except (NotFound, Forbidden) as problem:
        raise ResourceNotFoundError(f"{problem.error_code}: {problem.detail}") from problem
    except Problem as problem:
        raise ResourceError(f"{problem.error_code}: {problem.detail}") from problem


@contextmanager
def refused_as_error() -> Iterator[None]:
    """Say a foreseen refusal as an error of the protocol, where there is no other way."""
    try:
        yield
    except Problem as problem:
        raise MCPError(INTERNAL_ERROR, f"{problem.error_code}: {problem.detail}") from problem


class ToolCalls:
    """Who makes a tool call, and the transaction it is made in."""

    def __init__(self, backend: Callable[[], Backend]) -> None:
        self._backend = backend

    @property
    def caller(self) -> Caller:
        """Who asks; raises `Unauthenticated` outside of a message that was let in."""
        try:
            return _caller.get()
        except LookupError:
            raise Unauthenticated from None

    @property
    def secret(self) -> bytes:
        """The installation's secret, for what has to be signed."""
        return self._backend().secret

    @property
    def limits(self) -> Limits:
        """What one person may do and have."""
        return self._backend().limits

    def index_later(self, user_id: UUID) -> None:
        """Have what a person searches put into their index, beside the calls."""
        self._backend().indexing.note(user_id)

    @property
    def budget(self) -> WriteBudget:
        """How many todos this agent may still change."""
        return WriteBudget(self._backend().agent_writes, self.caller)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Open a transaction that cannot write."""
        caller = self.caller
        async with self._backend().database.transaction(
            caller.user_id, standing_of(caller), read_only=True
        ) as transaction:
            require_scope(caller, Scope.READ)
            yield transaction

    @asynccontextmanager
    async def writing(self, *, tool: str, reason: str | None = None) -> AsyncIterator[Transaction]:
        """Open a transaction that is committed before the call is answered.

        What it changes is recorded as this tool's work, for the reason the agent stated.
        """
        caller = self.caller
        async with self._backend().database.transaction(
            caller.user_id, standing_of(caller), provenance=provenance_of(caller, tool, reason)
        ) as transaction:
            require_scope(caller, Scope.WRITE)
            yield transaction

    async def tried(self, work: Callable[[Transaction], Awaitable[_T]], *, tool: str) -> _T:
        """Do work in a transaction that is given up, and say what would have come of it."""
        try:
            async with self.writing(tool=tool) as transaction:
                raise _Tried(await work(transaction))  # noqa: TRY301  # what gives a transaction up
        except _Tried as tried:
            result: _T = tried.result
            return result


class _Tried(Exception):
    """Carries what came of work out of the transaction that is given up by it."""

    def __init__(self, result: Any) -> None:
        self.result = result


def principal_of_call(_context: object) -> str:
    """Say whose message this is, so that nobody goes on with what another was asked."""
    caller = _caller.get()
    return f"{caller.user_id} {client_of(caller).id}"
