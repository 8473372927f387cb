"""`Idempotency-Key`: a request that is sent again is answered again, and done once."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from todo.database.idempotency import Keeping, KeptAnswer, KeptAnswers
from todo.database.transaction import Transaction
from todo.problems import Conflict, ValidationFailed
from todo.transport.http_request import Writing

_KEPT_HEADERS = ("content-type", "location", "etag")
# The rules stand with the string: beside the union the pattern would be missing in the document.
Key = Annotated[
    Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")] | SkipJsonSchema[None],
    Header(
        alias="Idempotency-Key",
        description="Chosen by you, new for each new request. Sent again within 24 hours, the request is "
        "answered as before and not done again.",
    ),
]


class RequestInFlight(Conflict):
    """A request with this key is being worked on: send it again in a moment."""

    title = "Request in flight"
    error_code = "request_in_flight"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class KeyReused(ValidationFailed):
    """The key was used for another request: choose a new key."""

    title = "Idempotency key reused"
    error_code = "idempotency_key_reused"

    def __init__(self) -> None:
        detail = "was used for another request"
        super().__init__(
            errors=[{"location": "header", "pointer": "/Idempotency-Key", "code": "reused", "detail": detail}]
        )


class OnceOnly:
    """Does what a request asks, once per key; without a key, each time."""

    def __init__(self, operation: str, answers: KeptAnswers, key: str | None) -> None:
        self._operation = operation
        self._answers = answers
        self._key = key

    async def answer(self, asked: str, act: Callable[[], Awaitable[Response]]) -> Response:
        """Give the answer kept under the key, or act and keep the answer; `asked` tells requests apart.

        Raises `RequestInFlight` and `KeyReused`. What is refused is not kept: it can be mended and retried.
        """
        if self._key is None:
            return await act()
        fingerprint = _fingerprint(self._operation, asked)
        if not await self._answers.claim(self._key):
            raise RequestInFlight
        kept = await self._answers.find(self._key)
        if kept is not None:
            return _replay(kept, fingerprint)
        response = await act()
        kept = KeptAnswer(fingerprint, response.status_code, _kept_headers(response), bytes(response.body))
        await self._answers.keep(self._key, kept)
        return response


def _replay(kept: KeptAnswer, fingerprint: bytes) -> Response:
    if kept.fingerprint != fingerprint:
        raise KeyReused
    return Response(kept.body, kept.status, headers={**kept.headers, "Idempotent-Replayed": "true"})


def keeping_of(request: Request, key: str, asked: str, answer: Response) -> Keeping:
    """Say how an answer is kept by the statement that does what was asked, and writes the body."""
    fingerprint = _fingerprint(_operation(request), asked)
    return Keeping(key, fingerprint, answer.status_code, _kept_headers(answer))


def _operation(request: Request) -> str:
    return f"{request.method} {request.url.path}"


def _fingerprint(operation: str, asked: str) -> bytes:
    return hashlib.sha256(f"{operation}\n{asked}".encode()).digest()


def _kept_headers(answer: Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}


def once_only(request: Request, transaction: Transaction, key: str | None) -> OnceOnly:
    """Give what does a request once, in a transaction."""
    return OnceOnly(_operation(request), KeptAnswers(transaction), key)


async def _once_only(request: Request, transaction: Writing, idempotency_key: Key = None) -> OnceOnly:
    return once_only(request, transaction, idempotency_key)


Once = Annotated[OnceOnly, Depends(_once_only)]
