"""Whole files, in and out: kept on disk, for callers who are signed in, and few at a time."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from email.message import Message
from typing import IO, Annotated, Any

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from todo.auth.user import Scope
from todo.problems import BodyTooLarge, BodyTooSlow, Unavailable, UnsupportedMediaType
from todo.transport.callers import require_scope, standing_of
from todo.transport.http_request import SignedIn, backend

UPLOAD_LIMIT_BYTES = 67_108_864
_TIMEOUT_SECONDS = 120.0
_IN_MEMORY_BYTES = 4_194_304


async def _spooled() -> AsyncIterator[IO[bytes]]:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
        yield file


# Closed after the answer has been sent, for it may be what is sent.
Spool = Annotated[IO[bytes], Depends(_spooled, scope="request")]


async def _in_turn(request: Request) -> AsyncIterator[None]:
    transfers = backend(request).transfers
    if transfers.locked():
        raise Unavailable("Others are moving their data just now; try again shortly.", retry_after_seconds=5)
    async with transfers:
        yield


# Name it before the transaction: it is what leaves connections to those who want something short.
InTurn = Annotated[None, Depends(_in_turn, scope="function")]


@dataclass(frozen=True)
class Upload:
    """A body that has arrived whole."""

    file: IO[bytes]
    media_type: str
    digest: str


def upload_of(*media_types: str) -> Callable[..., Coroutine[Any, Any, Upload]]:
    """Give the dependency that takes in a body of one of these types.

    Name it before the transaction, which would wait for the body with a connection in its hand. It raises
    `Unauthenticated`, `UnsupportedMediaType`, `BodyTooLarge` and `BodyTooSlow`; where the headers tell,
    before anything is read.
    """

    async def take_in(request: Request, caller: SignedIn, file: Spool) -> Upload:
        require_scope(caller, Scope.WRITE)
        database = backend(request).database
        async with database.transaction(caller.user_id, standing_of(caller), read_only=True):
            pass  # opening it is what asks whether the token still stands
        media_type = _media_type(request, media_types)
        if int(request.headers.get("content-length", 0)) > UPLOAD_LIMIT_BYTES:
            raise BodyTooLarge
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                digest = await _take_in(request, file)
        except (TimeoutError, ClientDisconnect):
            raise BodyTooSlow from None
        return Upload(file, media_type, digest)

    return take_in


async def _take_in(request: Request, file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > UPLOAD_LIMIT_BYTES:
            raise BodyTooLarge
        digest.update(chunk)
        file.write(chunk)
    file.seek(0)
    return digest.hexdigest()


def _media_type(request: Request, accepted: tuple[str, ...]) -> str:
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    media_type = header.get_content_type()
    if media_type not in accepted:
        raise UnsupportedMediaType(accepted=accepted)
    if header.get_content_charset("utf-8") != "utf-8":
        raise UnsupportedMediaType("The body must be in UTF-8.", accepted=accepted)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("The body must not be compressed.", accepted=accepted)
    return media_type
