"""Who asks and which transaction, per HTTP request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from fastapi import Depends, Header, Request
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic.json_schema import SkipJsonSchema
from starlette.routing import Match
from starlette.types import Scope as AsgiScope

from todo.auth.api_key import PREFIX
from todo.auth.tokens import TokenVerifier
from todo.auth.user import Caller, Scope
from todo.database.stroke import Stroke
from todo.database.transaction import Database, Glance, Transaction
from todo.problems import (
    BodyTooLarge,
    BodyTooSlow,
    InternalError,
    Unauthenticated,
    Unavailable,
    ValidationFailed,
    json_pointer,
)
from todo.settings import Limits
from todo.transport.api_keys import ApiKeys
from todo.transport.app_names import AppNames
from todo.transport.background import Background
from todo.transport.callers import provenance_of, require_scope, standing_of
from todo.transport.compiled_route import CompiledRoute
from todo.transport.event_stream import EventStream, EventStreams
from todo.transport.problem_json import problem_responses
from todo.transport.rate_limit import RateLimited, RateLimiter

_BEARER = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT",
    description="An access token of ten minutes, fetched from `GET /api/auth/token` with a session.",
    auto_error=False,
)
_API_KEY = APIKeyHeader(
    name="X-API-Key",
    scheme_name="api_key",
    description="A key from `POST /api/keys`, for programs of your own.",
    auto_error=False,
)
SECURITY_SCHEMES = {
    scheme.scheme_name: scheme.model.model_dump(mode="json", by_alias=True, exclude_none=True)
    for scheme in (_BEARER, _API_KEY)
}


@dataclass(frozen=True)
class Backend:
    """What every request of this worker shares."""

    database: Database
    tokens: TokenVerifier
    agent_tokens: TokenVerifier
    api_keys: ApiKeys
    app_names: AppNames
    secret: bytes
    limits: Limits
    rate_limiter: RateLimiter | None
    agent_writes: RateLimiter | None
    streams: EventStreams
    has_auth_server: bool
    transfers: asyncio.Semaphore
    indexing: Background


_REFUSALS = problem_responses(
    Unauthenticated,
    BodyTooSlow,
    BodyTooLarge,
    ValidationFailed,
    RateLimited,
    InternalError,
    Unavailable,
)


class SignedInRoute(CompiledRoute):
    """A route that nobody enters without a valid token; asked first, before even the body is read."""

    _spelled_out: ClassVar[set[str]] = set()

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        # Written down for readers only: as dependencies they would be worked out again for each request.
        security: list[dict[str, list[str]]] = [{name: []} for name in SECURITY_SCHEMES]
        extra = {**(options.pop("openapi_extra", None) or {}), "security": security}
        responses = {**_REFUSALS, **(options.pop("responses", None) or {})}
        super().__init__(path, *arguments, openapi_extra=extra, responses=responses, **options)
        if not self.param_convertors:
            self._spelled_out.add(path)

    def matches(self, scope: AsgiScope) -> tuple[Match, AsgiScope]:
        # `/batch` is the batch's and no todo's, by whatever method it is asked: a wrong one is 405.
        if self.param_convertors and scope["path"] in self._spelled_out:
            return Match.NONE, {}
        return super().matches(scope)

    async def enter(self, request: Request) -> None:
        """Find out who asks."""
        request.state.caller = await admit(request, backend(request).tokens)


async def admit(request: Request, tokens: TokenVerifier) -> Caller:
    """Give the caller of a request, and count it as theirs.

    Raises `Unauthenticated` unless it carries an API key or one of these tokens, and `RateLimited`.
    """
    shared, credential = backend(request), _credential_of(request)
    verifier = shared.api_keys if credential.startswith(PREFIX) else tokens
    caller = await verifier.verify(credential)
    if shared.rate_limiter is not None:
        allowance = shared.rate_limiter.take(caller.user_id)
        request.state.answer_headers.update(allowance.headers())
        if not allowance.is_granted:
            raise RateLimited(retry_after_seconds=allowance.next_in_seconds)
    return caller


def _credential_of(request: Request) -> str:
    # The first of each counts, so it comes last into the dictionary.
    headers: dict[bytes, bytes] = dict(reversed(request.scope["headers"]))
    key = headers.get(b"x-api-key", b"").decode("latin-1").strip()
    if key:
        # Told from a token by how it begins, wherever it stands; what does not begin so is no key.
        return key if key.startswith(PREFIX) else PREFIX
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


def _refuse_query(request: Request) -> None:
    # A route that takes some has a model that refuses the others.
    if not request.scope["query_string"] or request.scope["route"].dependant.query_params:
        return
    if names := list(dict.fromkeys(request.query_params)):
        raise ValidationFailed(
            errors=[
                {
                    "location": "query",
                    "pointer": json_pointer([name]),
                    "code": "extra_forbidden",
                    "detail": "this address takes no such parameter",
                }
                for name in names
            ]
        )


def backend(request: Request) -> Backend:
    """Give what the lifespan of the application opened."""
    opened: Backend = request.app.state.backend
    return opened


# Dependencies are coroutines even where they wait for nothing: the framework runs others in threads.
async def _backend(request: Request) -> Backend:
    return backend(request)


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def glance(request: Request) -> Glance:
    """Give a way to look things up for the caller, for what one statement answers."""
    caller: Caller = request.state.caller
    require_scope(caller, Scope.READ)
    _refuse_query(request)
    return backend(request).database.glance(caller.user_id, standing_of(caller))


def stroke(request: Request) -> Stroke:
    """Give a way to write for the caller, for what one statement does."""
    caller: Caller = request.state.caller
    require_scope(caller, Scope.WRITE)
    _refuse_query(request)
    provenance = provenance_of(caller, request.scope["route"].operation_id)
    return Stroke(backend(request).database, caller.user_id, standing_of(caller), provenance)


async def _reading(request: Request) -> AsyncIterator[Transaction]:
    async with _transaction(request, Scope.READ) as transaction:
        yield transaction


async def _writing(request: Request) -> AsyncIterator[Transaction]:
    async with _transaction(request, Scope.WRITE) as transaction:
        yield transaction


@asynccontextmanager
async def _transaction(request: Request, scope: Scope) -> AsyncIterator[Transaction]:
    caller: Caller = request.state.caller
    database = backend(request).database
    async with database.transaction(
        caller.user_id,
        standing_of(caller),
        read_only=scope is Scope.READ,
        provenance=provenance_of(caller, request.scope["route"].operation_id),
    ) as transaction:
        require_scope(caller, scope)
        _refuse_query(request)
        yield transaction


async def _open_stream(request: Request) -> AsyncIterator[EventStream]:
    with backend(request).streams.opened(request.state.caller) as stream:
        yield stream


# "function": the commit comes before the answer. FastAPI's default would acknowledge first and commit later.
Reading = Annotated[Transaction, Depends(_reading, scope="function")]
Writing = Annotated[Transaction, Depends(_writing, scope="function")]
# "request": open until the last event has left.
OpenStream = Annotated[EventStream, Depends(_open_stream, scope="request")]
SharedBackend = Annotated[Backend, Depends(_backend)]
SignedIn = Annotated[Caller, Depends(_caller)]

# Left out or a string: a header cannot be null, whatever its default in Python is.
IfMatch = Annotated[
    str | SkipJsonSchema[None],
    Header(description="Act only if the todo still has this ETag; otherwise the answer is 412."),
]
IfNoneMatch = Annotated[
    str | SkipJsonSchema[None], Header(description="Answer 304 without a body if this is still the ETag.")
]
LastEventId = Annotated[
    str | SkipJsonSchema[None],
    Header(
        alias="Last-Event-ID",
        max_length=2_048,
        description="`id` of the last event you have seen; goes before `since`.",
    ),
]
