"""What the apps of callers are called, remembered for a while."""

import dataclasses
import time
from collections import OrderedDict
from typing import NamedTuple

from todo.auth.user import Caller
from todo.database.apps import find_app_name
from todo.database.transaction import Transaction

_REMEMBERED = 10_000
_REMEMBERED_SECONDS = 600.0
# An app chooses its own name, and each of its changes carries it.
_LONGEST = 100


class _Memory(NamedTuple):
    name: str | None
    found_at: float


class AppNames:
    """Tells callers by the name of their app; only those of our own auth server's apps have one."""

    def __init__(self) -> None:
        self._memories: OrderedDict[str, _Memory] = OrderedDict()

    async def named(self, caller: Caller, transaction: Transaction) -> Caller:
        """Give the caller with the name of their app, looked up in the transaction if it is to be."""
        if caller.client_id is None:
            return caller
        name = await self._name(caller.client_id, transaction)
        return dataclasses.replace(caller, client_name=name)

    async def _name(self, client_id: str, transaction: Transaction) -> str | None:
        memory = self._memories.get(client_id)
        if memory is not None and time.monotonic() - memory.found_at < _REMEMBERED_SECONDS:
            return memory.name
        name = await find_app_name(transaction, client_id)
        memory = self._memories[client_id] = _Memory(name and name[:_LONGEST], time.monotonic())
        if len(self._memories) > _REMEMBERED:
            self._memories.popitem(last=False)
        return memory.name
