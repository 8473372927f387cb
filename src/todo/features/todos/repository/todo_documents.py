"""The todos of one person as documents: found, and written down, by PostgreSQL."""

from typing import Any, Protocol
from uuid import UUID

from asyncpg import Record

from todo.database.statements import Statement
from todo.features.todos.repository import counts, pages
from todo.features.todos.repository.pages import Found, Position
from todo.features.todos.repository.reads import ABSENT, SHOW
from todo.features.todos.rules import TodoNotFound, TodoNotOwned, absence
from todo.features.todos.schemas import TodoDocument, TodoFilter


class Asking(Protocol):
    """A transaction, or something that has one for each question."""

    user_id: UUID

    async def one(self, statement: Statement, **values: Any) -> Record | None:
        """Give the row; where there is none, one of nulls may stand for it."""
        ...


class TodoDocuments:
    """The documents of one owner; it cannot ask for anybody else's. Each question is one statement."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self.owner_id = asking.user_id

    async def show(self, todo_id: UUID) -> TodoDocument | None:
        """Give one, if it is not in the trash."""
        row = await self._asking.one(SHOW, user_id=self.owner_id, id=todo_id)
        if row is None or row["document"] is None:
            return None
        return TodoDocument(todo_id, row["document"], row["version"])

    async def absence(self, todo_id: UUID) -> TodoNotFound | TodoNotOwned:
        """Say why one is not shown."""
        row = await self._asking.one(ABSENT, user_id=self.owner_id, id=todo_id)
        is_anothers = row is not None and row["is_anybodys"] and not row["is_mine"]
        return absence(todo_id, {todo_id} if is_anothers else ())

    async def find(self, wanted: TodoFilter, after: Position | None) -> Found:
        """Give a page in the wanted order, and count all that match."""
        values: dict[str, Any] = {
            "user_id": self.owner_id,
            "limit": wanted.limit,
            "offset": wanted.offset or 0,
            "priorities": wanted.priority,
        }
        if wanted.q:
            values["pattern"] = f"%{pages.escape_like(wanted.q)}%"
        else:
            values["places"] = counts.places(wanted.status, tuple(wanted.priority))
        if after:
            values |= {"after_value": after.value, "after_id": after.id}
        query = pages.page(
            wanted.status, bool(wanted.priority), bool(wanted.q), wanted.sort, after is not None
        )
        row = await self._asking.one(query, **values)
        if row is None:
            raise RuntimeError("an aggregate gives a row")
        has_more = (row["count"] or 0) > wanted.limit
        end = Position(row["sort_value"], row["id"]) if has_more else None
        return Found(row["documents"] or "", end, row["total"])
