"""The todos of one person as documents: found, and written down, by PostgreSQL."""

from math import isqrt
from typing import Any
from uuid import UUID

from todo.database.wire import Row
from todo.features.todos.repository import counts, pages
from todo.features.todos.repository.asking import Asking
from todo.features.todos.repository.keys import Question
from todo.features.todos.repository.pages import Among, Found, Position
from todo.features.todos.repository.reads import ABSENT, SHOW
from todo.features.todos.repository.search import Matches, find, glimpse
from todo.features.todos.rules import TodoNotFound, TodoNotOwned, absence
from todo.features.todos.schemas import TodoDocument, TodoFilter

# So many todos are passed by in order in the time in which one is fetched by itself.
_PASSED_BY = 8


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
        row = await self._page(self._asking, Among.ALL, wanted, after)
        if row["total"] == counts.BEHIND:
            # Somebody has written who does not count.
            row = await self._page(self._asking, Among.COUNTED, wanted, after)
        return _found(row, row["total"])

    async def search(
        self, question: Question, wanted: TodoFilter, after: Position | None
    ) -> tuple[Found, bool]:
        """Do the same with those that answer a question; and say whether their index is to be written on."""
        matches = await glimpse(self._asking, question)
        found = await self._page_among(self._asking, matches, wanted, after) if matches else None
        if matches is None or found is None:
            async with self._asking.reading() as transaction:
                matches = await find(transaction, question)
                found = await self._page_among(transaction, matches, wanted, after)
        if found is None:
            raise RuntimeError("nothing changes in a snapshot")
        return found, matches.is_behind

    async def _page_among(
        self, asking: Asking, matches: Matches, wanted: TodoFilter, after: Position | None
    ) -> Found | None:
        """Give a page of these; nothing, if the person has changed something since they were found."""
        total = len(matches.places)
        if total == 0:
            return Found(b"", None, 0)
        # To sort them is as much work as there are; to meet them in order, the less the more there are.
        met = (wanted.offset or 0) + wanted.limit
        among = Among.FEW if total <= isqrt(met * matches.last // _PASSED_BY) else Among.MANY
        found = list(matches.places) if among is Among.FEW else matches.places.as_bits(matches.last)
        row = await self._page(asking, among, wanted, after, found=found)
        return _found(row, total) if row["change_seq"] == matches.last else None

    async def _page(
        self, asking: Asking, among: Among, wanted: TodoFilter, after: Position | None, **more: Any
    ) -> Row:
        values: dict[str, Any] = {
            "user_id": self.owner_id,
            "limit": wanted.limit,
            "offset": wanted.offset or 0,
            "priorities": wanted.priority,
            **more,
        }
        if after:
            values |= {"after_value": after.value, "after_id": after.id}
        query = pages.page(wanted.status, bool(wanted.priority), among, wanted.sort, after is not None)
        row = await asking.one(query, **values)
        if row is None:
            raise RuntimeError("an aggregate gives a row")
        return row


def _found(row: Row, total: int) -> Found:
    return Found(row["documents"] or b"", row["end"], total)
