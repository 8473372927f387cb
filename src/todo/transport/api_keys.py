"""Callers with an API key: who they are, remembered for a while."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from todo.auth.api_key import ApiKey
from todo.auth.user import Caller, Scope
from todo.database.api_keys import KnownKey, find_key, touch_key
from todo.database.transaction import Database
from todo.problems import Unauthenticated, Unavailable

_REMEMBERED = 10_000
_REMEMBERED_SECONDS = 600.0
_TOUCHED_EVERY_SECONDS = 60.0


@dataclass
class _Memory:
    key: KnownKey
    found_at: float
    touched_at: float = 0.0


class ApiKeys:
    """Tells who a key speaks for. That it still holds is asked anew by each transaction, as of sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._memories: OrderedDict[bytes, _Memory] = OrderedDict()
        self._touches: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["ApiKeys"]:
        """Finish at the end what was begun in the background."""
        yield self
        await asyncio.gather(*self._touches, return_exceptions=True)

    async def verify(self, text: str) -> Caller:
        """Give the caller; raises `Unauthenticated` when nobody has this key."""
        key = ApiKey.parse(text)
        if key is None:
            raise Unauthenticated("The API key is not valid here.", invalid_token=True)
        memory = await self._recall(key)
        self._touch(key, memory)
        scopes = frozenset(scope for scope in Scope if scope in memory.key.scopes)
        return Caller(key.user_id, scopes, key_id=memory.key.id, client_name=memory.key.name)

    async def _recall(self, key: ApiKey) -> _Memory:
        memory = self._memories.get(key.digest)
        if memory is not None and time.monotonic() - memory.found_at < _REMEMBERED_SECONDS:
            self._memories.move_to_end(key.digest)
            return memory
        async with self._database.transaction(key.user_id, read_only=True) as transaction:
            found = await find_key(transaction, key.digest)
        if found is None:
            self._memories.pop(key.digest, None)
            raise Unauthenticated("The API key is not valid here.", invalid_token=True)
        memory = self._memories[key.digest] = _Memory(found, time.monotonic())
        if len(self._memories) > _REMEMBERED:
            self._memories.popitem(last=False)
        return memory

    def _touch(self, key: ApiKey, memory: _Memory) -> None:
        now = time.monotonic()
        if memory.touched_at and now - memory.touched_at < _TOUCHED_EVERY_SECONDS:
            return
        memory.touched_at = now
        # Beside the request, not in its transaction: one that only reads must not write, nor wait for this.
        task = asyncio.create_task(self._note_use(key, memory.key))
        self._touches.add(task)
        task.add_done_callback(self._touches.discard)

    async def _note_use(self, key: ApiKey, known: KnownKey) -> None:
        with contextlib.suppress(Unavailable):
            async with self._database.transaction(key.user_id) as transaction:
                await touch_key(transaction, known.id)
