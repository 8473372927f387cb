"""Writing at one stroke: by a statement that is a transaction of its own."""

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

from todo.database.provenance import Provenance
from todo.database.standing import Standing
from todo.database.statements import Statement
from todo.database.transaction import Database, Transaction
from todo.database.wire import Row


class Stroke:
    """Writes for one person, each time by one statement."""

    def __init__(
        self, database: Database, user_id: UUID, standing: Standing | None, provenance: Provenance
    ) -> None:
        self._database = database
        self._standing = standing
        self.user_id = user_id
        self.provenance = provenance

    def one(self, statement: Statement, values: dict[str, Any]) -> Awaitable[Row | None]:
        """Give the row once it is committed; nothing where the statement did not apply, and did nothing.

        Raises what `Database.strike` does.
        """
        return self._database.strike(self.user_id, self._standing, statement, values)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction of the same person instead, for what takes more than one statement."""
        return self._database.transaction(self.user_id, self._standing, provenance=self.provenance)
