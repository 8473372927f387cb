"""Who asks and which transaction, per HTTP request."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic.json_schema import SkipJsonSchema

from todo.auth.tokens import TokenVerifier
from todo.auth.user import Caller
from todo.database.transaction import Database, Transaction
from todo.problems import Unauthenticated, ValidationFailed, json_pointer
from todo.settings import Limits
from todo.transport.rate_limit import RateLimited, RateLimiter

bearer = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="JWT",
    description="An access token of ten minutes, fetched from `GET /api/auth/token` with a session.",
    auto_error=False,
)


@dataclass(frozen=True)
class Backend:
    """What every request of this worker shares."""

    database: Database
    tokens: TokenVerifier
    secret: bytes
    limits: Limits
    rate_limiter: RateLimiter | None
    has_auth_server: bool
    transfers: asyncio.Semaphore


class SignedInRoute(APIRoute):
    """A route that nobody enters without a valid token; asked first, before even the body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_signed_in(request: Request) -> Response:
            request.state.caller = await authenticate(request)
            return await handle(request)

        return handle_signed_in


async def authenticate(request: Request) -> Caller:
    """Give the caller of a request, and count it as theirs.

    Raises `Unauthenticated` unless it carries a valid token, and `RateLimited`.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    shared = backend(request)
    caller = await shared.tokens.verify(token.strip())
    if shared.rate_limiter is not None:
        allowance = shared.rate_limiter.take(caller.user_id)
        request.state.answer_headers.update(allowance.headers())
        if not allowance.is_granted:
            raise RateLimited(retry_after_seconds=allowance.next_in_seconds)
    return caller


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


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


async def _reading(request: Request) -> AsyncIterator[Transaction]:
    caller: Caller = request.state.caller
    database = backend(request).database
    async with database.transaction(caller.user_id, caller.session_id, read_only=True) as transaction:
        _refuse_query(request)
        yield transaction


async def _writing(request: Request) -> AsyncIterator[Transaction]:
    caller: Caller = request.state.caller
    async with backend(request).database.transaction(caller.user_id, caller.session_id) as transaction:
        _refuse_query(request)
        yield transaction


# "function": the commit comes before the answer. FastAPI's default would acknowledge first and commit later.
Reading = Annotated[Transaction, Depends(_reading, scope="function")]
Writing = Annotated[Transaction, Depends(_writing, scope="function")]
SharedBackend = Annotated[Backend, Depends(backend)]
SignedIn = Annotated[Caller, Depends(_caller)]

# Left out or a string: a header cannot be null, whatever its default in Python is.
IfMatch = Annotated[
    str | SkipJsonSchema[None],
    Header(description="Act only if the todo still has this ETag; otherwise the answer is 412."),
]
IfNoneMatch = Annotated[
    str | SkipJsonSchema[None], Header(description="Answer 304 without a body if this is still the ETag.")
]
