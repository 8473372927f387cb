"""The todos of one person."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from todo.database.statements import Statement
from todo.database.transaction import Transaction
from todo.features.todos.models import Todo
from todo.features.todos.repository.columns import STORED
from todo.features.todos.repository.counts import RECOUNT
from todo.features.todos.repository.reads import (
    ALL,
    ANYBODYS,
    CHANGES,
    GET,
    GET_MANY,
    LAST_CHANGE,
    PLACES,
)
from todo.features.todos.repository.upkeep import PURGE
from todo.features.todos.repository.writes import (
    ADD,
    ADD_TOGETHER,
    NEXT_CHANGE_IF_KNOWN,
    NEXT_CHANGES,
    RECORD_TOGETHER,
    SAVE,
)
from todo.features.todos.rules import CREATION, Change, Edit, Step
from todo.features.todos.schemas import TodoChangeRead, TodoRead


class TodoRepository:
    """The todos of one owner; it cannot ask about anybody else's."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._action: int | None = None
        self.owner_id = transaction.user_id

    async def get(self, todo_id: UUID) -> Todo | None:
        """Give one todo to decide about, from the trash too."""
        row = await self._transaction.one(GET, user_id=self.owner_id, id=todo_id)
        return None if row is None else Todo(**dict(row))

    async def get_many(self, todo_ids: Collection[UUID]) -> dict[UUID, Todo]:
        """Give those there are of some todos to decide about, by id, from the trash too."""
        rows = await self._transaction.rows(GET_MANY, user_id=self.owner_id, ids=list(todo_ids))
        return {row["id"]: Todo(**dict(row)) for row in rows}

    async def anybodys(self, todo_ids: Collection[UUID]) -> set[UUID]:
        """Give those of the ids under which anybody has a todo."""
        rows = await self._transaction.rows(ANYBODYS, ids=list(todo_ids))
        return {row["id"] for row in rows}

    async def places(self, todo_ids: Collection[UUID]) -> dict[UUID, int]:
        """Give the places in the sequence of those there are of some todos, by id, from the trash too."""
        rows = await self._transaction.rows(PLACES, user_id=self.owner_id, ids=list(todo_ids))
        return {row["id"]: row["change_seq"] for row in rows}

    async def all(self, at_once: int) -> AsyncIterator[list[TodoRead]]:
        """Give every todo, some at a time, ordered by id, those in the trash too."""
        async for rows in self._transaction.chunks(ALL, at_once, user_id=self.owner_id):
            yield [TodoRead.model_validate(dict(row)) for row in rows]

    async def next_change(self) -> Change:
        """Begin a change: from here to the commit, this owner's other writers wait."""
        return (await self.next_changes(1))[0]

    async def next_changes(self, count: int) -> list[Change]:
        """Begin as many changes, all of one moment; those that are not made leave gaps in the sequence."""
        row = await self._transaction.one(NEXT_CHANGES, user_id=self.owner_id, count=count)
        if row is None:
            raise RuntimeError("an upsert returns its row")
        last, todo_count = row["seq"], await self._counted(row)
        if last == count:
            # A new person; or one whose account was deleted while this waited for their lock.
            await self._transaction.require_standing()
        changes = [Change(seq, row["at"], todo_count) for seq in range(last - count + 1, last + 1)]
        self._begin_action(changes[0])
        return changes

    async def next_change_if_known(self) -> Change | None:
        """Begin a change as `next_change` does, unless the owner has been deleted."""
        row = await self._transaction.one(NEXT_CHANGE_IF_KNOWN, user_id=self.owner_id, count=1)
        if row is None:
            return None
        change = Change(row["seq"], row["at"], await self._counted(row))
        self._begin_action(change)
        return change

    async def _counted(self, row: Record) -> int:
        """Give how many todos there are, counted anew if a writer did not count them."""
        if not row["is_counted"]:
            row = await self._transaction.one(RECOUNT, user_id=self.owner_id) or row
        return int(row["todo_count"])

    def _begin_action(self, change: Change) -> None:
        # Named by its first change, however often more are begun.
        self._action = self._action or change.seq

    def _provenance(self) -> dict[str, Any]:
        come_from = self._transaction.provenance
        return {
            "action": self._action,
            "client": come_from.client.id,
            "client_name": come_from.client.name,
            "tool": come_from.tool,
            "reason": come_from.reason,
        }

    async def add(self, todo: Todo) -> TodoRead:
        """Store a new todo."""
        return await self._write(ADD, CREATION, **_values(todo))

    async def add_many(self, edits: Sequence[Edit]) -> None:
        """Store new todos as they are, in one statement."""
        if not edits:
            return
        values: dict[str, Any] = {
            field.key: [getattr(edit.todo, field.key) for edit in edits]
            for field in STORED
            if field.key not in {"user_id", "change_seq"}
        }
        await self._transaction.rows(
            ADD_TOGETHER,
            user_id=self.owner_id,
            at=edits[0].change.at,
            change_seq=[edit.change.seq for edit in edits],
            **_recorded(CREATION),
            **self._provenance(),
            **values,
        )

    async def save(self, todo: Todo, change: Change, step: Step) -> TodoRead:
        """Store a changed todo as its next version."""
        todo.advance(change.seq, change.at)
        return await self._write(SAVE, step, todo_id=todo.id, **_values(todo))

    async def record(self, edits: Sequence[Edit]) -> None:
        """Store what several changes made of their todos, in one statement."""
        last = {edit.todo.id: edit.change.seq for edit in edits}
        new = {edit.todo.id for edit in edits if edit.step is CREATION}
        rows = [
            {
                "seq": edit.change.seq,
                "kind": edit.step.kind,
                "before": _before(edit.step),
                "undoes": edit.step.undoes,
                "is_new": edit.todo.id in new,
                "is_last": last[edit.todo.id] == edit.change.seq,
                "todo": edit.todo.model_dump(mode="json"),
            }
            for edit in edits
        ]
        await self._transaction.rows(
            RECORD_TOGETHER, user_id=self.owner_id, edits=json.dumps(rows), **self._provenance()
        )

    async def purge(self, first: Change, before: datetime, limit: int) -> int:
        """Remove what went into the trash before then, oldest first, and give how many todos went."""
        row = await self._transaction.one(
            PURGE,
            user_id=self.owner_id,
            seq=first.seq,
            at=first.at,
            before=before,
            limit=limit,
            **self._provenance(),
        )
        return 0 if row is None else int(row["purged"])

    async def last_change(self) -> int:
        """Give the place of the owner's last change; 0 before the first."""
        row = await self._transaction.one(LAST_CHANGE, user_id=self.owner_id)
        return 0 if row is None else int(row["seq"])

    async def changes(self, since: int, limit: int) -> list[tuple[int, TodoChangeRead]]:
        """Give the changes after a place in the sequence, each with its own place."""
        rows = await self._transaction.rows(CHANGES, user_id=self.owner_id, since=since, limit=limit)
        return [(row["seq"], _change(dict(row))) for row in rows]

    async def _write(self, statement: Statement, step: Step, **values: Any) -> TodoRead:
        row = await self._transaction.one(statement, **_recorded(step), **self._provenance(), **values)
        if row is None:
            raise RuntimeError("a write returns its row")
        return TodoRead.model_validate(dict(row))


def _change(row: dict[str, Any]) -> TodoChangeRead:
    todo = TodoRead.model_validate_json(row["todo"]) if row["todo"] else None
    return TodoChangeRead(kind=row["kind"], id=row["id"], todo=todo, at=row["at"])


def _recorded(step: Step) -> dict[str, Any]:
    before = _before(step)
    return {
        "kind": step.kind,
        "before": None if before is None else json.dumps(before),
        "undoes": step.undoes,
    }


def _before(step: Step) -> dict[str, Any] | None:
    return None if step.before is None else step.before.model_dump(mode="json", exclude_unset=True)


def _values(todo: Todo) -> dict[str, Any]:
    return {column.key: getattr(todo, column.key) for column in STORED}
