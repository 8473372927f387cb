"""Streams of server-sent events: how they begin, wait and end.

The framework writes them to the wire, with a comment whenever nothing was to be said for fifteen seconds.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi.sse import ServerSentEvent
from pydantic import BaseModel

from todo.auth.user import Caller, Scope
from todo.database.notifications import Listener
from todo.database.transaction import Database, Transaction
from todo.problems import Problem, TooManyRequests, Unauthenticated, Unavailable
from todo.transport.callers import require_scope, standing_of

OPEN_PER_PERSON = 10
_LOOK_EVERY_SECONDS = 15.0
_POLL_SECONDS = 1.0
_POLLS_PER_SECOND = 100
_LOOK_TIMEOUT_SECONDS = 3.0
# However many streams wake at once, the other requests keep the rest of the pool.
_LOOKS_AT_ONCE = 2
_RETRY_MILLISECONDS = 2000


class TooManyStreams(TooManyRequests):
    """You have ten streams open here already: close one first."""

    title = "Too many streams"
    error_code = "too_many_streams"


@dataclass(frozen=True)
class Seen:
    """What one look has found: events, the token to look on from, and whether there is more at once."""

    events: Sequence[ServerSentEvent]
    next: str
    has_more: bool


Look = Callable[[Transaction, str | None], Awaitable[Seen]]


class EventStreams:
    """The streams that are open in this worker."""

    def __init__(
        self, database: Database, listener: Listener, *, ready_every_seconds: float = 3600.0
    ) -> None:
        self._database = database
        self._listener = listener
        # Again and again, so that the last id of a quiet stream does not grow too old to go on from.
        self.ready_every_seconds = ready_every_seconds
        self._open: Counter[UUID] = Counter()
        self._looks = asyncio.Semaphore(_LOOKS_AT_ONCE)
        self.is_ending = False

    @contextmanager
    def opened(self, caller: Caller) -> Iterator["EventStream"]:
        """Give the caller a stream; raises `TooManyStreams`."""
        if self._open[caller.user_id] >= OPEN_PER_PERSON:
            raise TooManyStreams(retry_after_seconds=10)
        self._open[caller.user_id] += 1
        try:
            with self._listener.bell(caller.user_id) as bell:
                yield EventStream(self, caller, bell)
        finally:
            self._open[caller.user_id] -= 1
            if not self._open[caller.user_id]:
                del self._open[caller.user_id]

    def end_all(self) -> None:
        """End every stream, because the server stops. It says so once per connection."""
        if not self.is_ending:
            self.is_ending = True
            self._listener.ring_all()

    @property
    def patience_seconds(self) -> float:
        """How long a stream waits before it looks unasked."""
        return _LOOK_EVERY_SECONDS if self._listener.hears else self.poll_seconds

    @property
    def poll_seconds(self) -> float:
        """How long a stream that hears nothing waits; longer where many would ask."""
        return max(_POLL_SECONDS, self._open.total() / _POLLS_PER_SECOND)

    async def look(self, caller: Caller, look: Look, since: str | None) -> Seen:
        """Look in a transaction of its own: no stream holds a connection while it waits."""
        try:
            async with (
                asyncio.timeout(_LOOK_TIMEOUT_SECONDS),
                self._looks,
                self._database.transaction(
                    caller.user_id, standing_of(caller), read_only=True
                ) as transaction,
            ):
                require_scope(caller, Scope.READ)
                return await look(transaction, since)
        except TimeoutError as error:
            raise Unavailable("The database cannot answer right now; try again shortly.") from error


class EventStream:
    """One open stream of one caller."""

    def __init__(self, streams: EventStreams, caller: Caller, bell: asyncio.Event) -> None:
        self._streams = streams
        self._caller = caller
        self._bell = bell

    async def begin(self, look: Look, since: str | None) -> AsyncIterator[ServerSentEvent]:
        """Look once, so that a refusal is still an answer; then give the events from there on."""
        return self._events(look, await self._streams.look(self._caller, look, since))

    async def _events(self, look: Look, seen: Seen) -> AsyncIterator[ServerSentEvent]:
        ready_at = 0.0
        try:
            while True:
                for event in seen.events:
                    yield event
                if not seen.has_more:
                    if time.time() >= ready_at:
                        ready_at = time.time() + self._streams.ready_every_seconds
                        yield ServerSentEvent(event="ready", id=seen.next, data={}, retry=_RETRY_MILLISECONDS)
                    await self._wait(self._streams.patience_seconds)
                seen = await self._look_on(look, seen.next)
        except _Ended as end:
            yield ServerSentEvent(event="end", data={"reason": end.reason})

    async def _look_on(self, look: Look, since: str) -> Seen:
        """Look until the database answers."""
        while True:
            self._end_if_over()
            # Before the look, so that whatever comes after it rings again.
            self._bell.clear()
            try:
                return await self._streams.look(self._caller, look, since)
            except Unavailable:
                await self._wait(self._streams.poll_seconds)
            except Unauthenticated:
                raise _Ended("session_ended") from None
            except Problem as problem:
                raise _Ended(problem.error_code) from problem

    async def _wait(self, seconds: float) -> None:
        now = time.time()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, self._caller.expires_at - now)):
                await self._bell.wait()

    def _end_if_over(self) -> None:
        if self._streams.is_ending:
            raise _Ended("server_stopping")
        if time.time() >= self._caller.expires_at:
            raise _Ended("token_expired")


class _Ended(Exception):
    def __init__(self, reason: str) -> None:
        self.reason = reason


def stream_response(description: str, **data: type[BaseModel]) -> dict[str, Any]:
    """Describe a stream for its OpenAPI entry; `data` is what its events carry, by their names."""
    schemas: dict[str, dict[str, Any]] = {
        name: {"$ref": f"#/components/schemas/{model.__name__}"} for name, model in data.items()
    }
    schemas["ready"] = {"type": "object"}
    schemas["end"] = {"type": "object", "properties": {"reason": {"type": "string"}}, "required": ["reason"]}
    kinds = [
        {
            "properties": {
                "event": {"const": name},
                "data": {"contentMediaType": "application/json", "contentSchema": schema},
            }
        }
        for name, schema in schemas.items()
    ]
    return {"description": description, "content": {"text/event-stream": {"itemSchema": {"oneOf": kinds}}}}
