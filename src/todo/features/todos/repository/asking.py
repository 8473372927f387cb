"""Who answers the questions of a reader."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import UUID

from todo.database.statements import Statement
from todo.database.transaction import Transaction
from todo.database.wire import Row


class Asking(Protocol):
    """A transaction, or something that has one for each question."""

    user_id: UUID

    async def one(self, statement: Statement, **values: Any) -> Row | None:
        """Give the row; where there is none, one of nulls may stand for it."""
        ...

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that sees a single snapshot, for what takes more than one statement."""
        ...
