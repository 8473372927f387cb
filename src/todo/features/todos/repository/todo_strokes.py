"""The todos of one person, each written by one statement where nothing stands against it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from todo.database.idempotency import Keeping
from todo.database.statements import Statement
from todo.database.stroke import Stroke
from todo.features.todos.models import Priority
from todo.features.todos.repository import counts
from todo.features.todos.repository.strokes import ADD, ADD_KEYED, ADD_MANY, change
from todo.features.todos.schemas import TodoCreate, TodoDocument

_ANY_NUMBER = 2**63 - 1


class TodoStrokes:
    """The todos of one owner; it cannot write anybody else's. What it gives is committed."""

    def __init__(self, stroke: Stroke) -> None:
        come_from = stroke.provenance
        self._stroke = stroke
        self.owner_id = stroke.user_id
        self._common = {
            "user_id": stroke.user_id,
            "client": come_from.client.id,
            "client_name": come_from.client.name,
            "tool": come_from.tool,
            "reason": come_from.reason,
        }

    async def add(
        self, todo_id: UUID, new: TodoCreate, quota: int, keeping: Keeping | None = None
    ) -> TodoDocument | None:
        """Store a new todo, and the answer if it is to be kept.

        Nothing where the owner is new, uncounted or has as many as the quota allows, or the key was used.
        """
        values = {
            "title": new.title,
            "description": new.description,
            "priority": new.priority,
            "place": counts.place(new.priority),
            "room": quota or _ANY_NUMBER,
        }
        if keeping is not None:
            values |= keeping.values(self.owner_id)
        return await self._write(ADD if keeping is None else ADD_KEYED, todo_id, values)

    async def add_many(self, new: Sequence[tuple[str, TodoCreate]], quota: int) -> list[str] | None:
        """Store new todos under ids, in their order, and give their documents.

        Nothing for the reasons of `add`.
        """
        said = [
            {
                "id": todo_id,
                "title": todo.title,
                "description": todo.description,
                "priority": todo.priority,
            }
            for todo_id, todo in new
        ]
        values: dict[str, Any] = {
            **self._common,
            "new": json.dumps(said),
            "count": len(new),
            "room": quota or _ANY_NUMBER,
        }
        values |= dict[str, int].fromkeys(Priority, 0) | Counter[str](todo.priority for _, todo in new)
        row = await self._stroke.one(ADD_MANY, values)
        return None if row is None else row["documents"].split("\n")

    async def change(
        self, todo_id: UUID, sets: Mapping[str, Any], version: int | None = None
    ) -> TodoDocument | None:
        """Set fields of a todo, and do to it what a kind of change is; nothing where that changes nothing.

        Nothing either where there is no such todo, or it is in the trash or at another version.
        """
        statement = change(tuple(sorted(sets)), is_versioned=version is not None)
        return await self._write(statement, todo_id, {**sets, "version": version})

    async def _write(
        self, statement: Statement, todo_id: UUID, values: dict[str, Any]
    ) -> TodoDocument | None:
        row = await self._stroke.one(statement, {**self._common, **values, "id": todo_id})
        return None if row is None else TodoDocument(todo_id, row["document"], row["version"])
