"""The queries on one person's todos."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Insert,
    Select,
    Text,
    Update,
    any_,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql

from todo.database.statements import Statement
from todo.database.tables import Table, User
from todo.database.transaction import Transaction
from todo.features.todos.models import ChangeKind, Todo, TodoChange
from todo.features.todos.schemas import TodoChangeRead, TodoFilter, TodoRead, TodoSort, TodoStatus

_TODO = Table.metadata.tables[str(Todo.__tablename__)].c
_USER = Table.metadata.tables[str(User.__tablename__)].c

_CHANGE = Table.metadata.tables[str(TodoChange.__tablename__)].c

_STORED = (
    _TODO.user_id,
    _TODO.id,
    _TODO.title,
    _TODO.description,
    _TODO.priority,
    _TODO.completed_at,
    _TODO.created_at,
    _TODO.updated_at,
    _TODO.deleted_at,
    _TODO.version,
    _TODO.change_seq,
)
_SHOWN = (*_STORED, _TODO.completed_at.is_not(None).label("is_completed"))

_IS_MINE = _TODO.user_id == bindparam("user_id")
_IS_LIVE = _TODO.deleted_at.is_(None)
_STATUS: dict[TodoStatus, Sequence[ColumnElement[bool]]] = {
    TodoStatus.ALL: [_IS_LIVE],
    TodoStatus.ACTIVE: [_IS_LIVE, _TODO.completed_at.is_(None)],
    TodoStatus.COMPLETED: [_IS_LIVE, _TODO.completed_at.is_not(None)],
    TodoStatus.DELETED: [_TODO.deleted_at.is_not(None)],
}
_SORT_COLUMN: dict[str, ColumnElement[Any]] = {
    "created_at": _TODO.created_at,
    "updated_at": _TODO.updated_at,
    "priority": _TODO.priority_rank,
    "title": _TODO.title_key,
}

_GET = Statement(select(*_STORED).where(_IS_MINE, _TODO.id == bindparam("id")))
_SHOW = Statement(select(*_SHOWN).where(_IS_MINE, _TODO.id == bindparam("id"), _TODO.deleted_at.is_(None)))
_EXISTS = Statement(select(func.todo_exists(bindparam("id", type_=postgresql.UUID())).label("exists")))
_NEXT_CHANGE = Statement(
    postgresql.insert(User)
    .values(id=bindparam("user_id"), change_seq=1)
    .on_conflict_do_update(index_elements=["id"], set_={"change_seq": _USER.change_seq + 1})
    # Not now(): a transaction that waited for the lock would write a time before that of its forerunner.
    .returning(_USER.change_seq.label("seq"), func.clock_timestamp().label("at"), _USER.todo_count)
)


def _recorded(write: Insert | Update) -> Statement:
    """Give a write that also records itself in the person's sequence of changes, and counts what it adds."""
    written = write.returning(*_SHOWN).cte("written")
    todo = func.jsonb_build_object(
        *(part for name in TodoRead.model_fields for part in (name, written.c[name]))
    )
    record = insert(TodoChange).from_select(
        ["user_id", "seq", "todo_id", "kind", "at", "todo"],
        select(
            written.c.user_id,
            written.c.change_seq,
            written.c.id,
            bindparam("kind", type_=Text),
            written.c.updated_at,
            todo,
        ),
    )
    query = select(written).add_cte(record.cte("recorded"))
    if isinstance(write, Insert):
        added = select(func.count()).select_from(written).scalar_subquery()
        count = (
            update(User).where(_USER.id == bindparam("user_id")).values(todo_count=_USER.todo_count + added)
        )
        query = query.add_cte(count.cte("counted"))
    return Statement(query)


_ADD = _recorded(insert(Todo).values({column.key: bindparam(column.key) for column in _STORED}))
_SAVE = _recorded(
    update(Todo)
    .where(_IS_MINE, _TODO.id == bindparam("todo_id"))
    .values({column.key: bindparam(column.key) for column in _STORED if column.key not in {"user_id", "id"}})
)
_LAST_CHANGE = Statement(select(_USER.change_seq.label("seq")).where(_USER.id == bindparam("user_id")))
_CHANGES = Statement(
    select(_CHANGE.seq, _CHANGE.kind, _CHANGE.todo_id.label("id"), _CHANGE.todo, _CHANGE.at)
    .where(_CHANGE.user_id == bindparam("user_id"), _CHANGE.seq > bindparam("since"))
    .order_by(_CHANGE.seq)
    .limit(bindparam("limit"))
)


@dataclass(frozen=True)
class Change:
    """The next change of a person: its place in their sequence, its time, and how many todos they have."""

    seq: int
    at: datetime
    todo_count: int


@dataclass(frozen=True)
class Position:
    """Where a page ends: the last row's sort value, and its id to break ties."""

    value: str | int | datetime
    id: UUID


@dataclass(frozen=True)
class Found:
    """One page of rows, where it ends if more follow, and how many match in all."""

    todos: list[TodoRead]
    end: Position | None
    total: int


class TodoRepository:
    """The todos of one owner; it cannot ask about anybody else's."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.owner_id = transaction.user_id

    async def get(self, todo_id: UUID) -> Todo | None:
        """Give one todo to decide about, from the trash too."""
        row = await self._transaction.one(_GET, user_id=self.owner_id, id=todo_id)
        return None if row is None else Todo(**dict(row))

    async def show(self, todo_id: UUID) -> TodoRead | None:
        """Give one todo to look at, if it is not in the trash."""
        row = await self._transaction.one(_SHOW, user_id=self.owner_id, id=todo_id)
        return None if row is None else TodoRead.model_validate(dict(row))

    async def is_somebodys(self, todo_id: UUID) -> bool:
        """Whether anybody has a todo of this id."""
        row = await self._transaction.one(_EXISTS, id=todo_id)
        return row is not None and bool(row["exists"])

    async def find(self, wanted: TodoFilter, after: Position | None) -> Found:
        """Give a page in the wanted order, and count all that match."""
        values: dict[str, Any] = {
            "user_id": self.owner_id,
            "priorities": list(wanted.priority),
            "pattern": f"%{_escape_like(wanted.q)}%",
        }
        shape = (wanted.status, bool(wanted.priority), bool(wanted.q))
        page: dict[str, Any] = {"limit": wanted.limit + 1, "offset": wanted.offset or 0}
        if after:
            page |= {"after_value": after.value, "after_id": after.id}
        rows = await self._transaction.rows(_page(*shape, wanted.sort, after is not None), **values, **page)
        counted = await self._transaction.one(_count(*shape), **values)
        shown = rows[: wanted.limit]
        end = Position(shown[-1]["sort_value"], shown[-1]["id"]) if len(rows) > len(shown) else None
        todos = [TodoRead.model_validate(dict(row)) for row in shown]
        return Found(todos, end, counted["total"] if counted else 0)

    async def next_change(self) -> Change:
        """Begin a change: from here to the commit, this owner's other writers wait."""
        row = await self._transaction.one(_NEXT_CHANGE, user_id=self.owner_id)
        if row is None:
            raise RuntimeError("an upsert returns its row")
        return Change(row["seq"], row["at"], row["todo_count"])

    async def add(self, todo: Todo) -> TodoRead:
        """Store a new todo."""
        return await self._write(_ADD, ChangeKind.CREATED, **_values(todo))

    async def save(self, todo: Todo, change: Change, kind: ChangeKind) -> TodoRead:
        """Store a changed todo as its next version."""
        next_version = {"version": todo.version + 1, "updated_at": change.at, "change_seq": change.seq}
        return await self._write(_SAVE, kind, todo_id=todo.id, **(_values(todo) | next_version))

    async def last_change(self) -> int:
        """Give the place of the owner's last change; 0 before the first."""
        row = await self._transaction.one(_LAST_CHANGE, user_id=self.owner_id)
        return 0 if row is None else int(row["seq"])

    async def changes(self, since: int, limit: int) -> list[tuple[int, TodoChangeRead]]:
        """Give the changes after a place in the sequence, each with its own place."""
        rows = await self._transaction.rows(_CHANGES, user_id=self.owner_id, since=since, limit=limit)
        return [(row["seq"], _change(dict(row))) for row in rows]

    async def _write(self, statement: Statement, kind: ChangeKind, **values: Any) -> TodoRead:
        row = await self._transaction.one(statement, kind=kind, **values)
        if row is None:
            raise RuntimeError("a write returns its row")
        return TodoRead.model_validate(dict(row))


def _change(row: dict[str, Any]) -> TodoChangeRead:
    todo = TodoRead.model_validate_json(row["todo"]) if row["todo"] else None
    return TodoChangeRead(kind=row["kind"], id=row["id"], todo=todo, at=row["at"])


def _values(todo: Todo) -> dict[str, Any]:
    return {column.key: getattr(todo, column.key) for column in _STORED}


@functools.cache
def _page(status: TodoStatus, by_priority: bool, by_text: bool, sort: TodoSort, is_later: bool) -> Statement:  # noqa: FBT001  # a cache key
    column = _SORT_COLUMN[sort.removeprefix("-")]
    key = tuple_(column, _TODO.id)
    is_descending = sort.startswith("-")
    query = _matching(
        select(*_SHOWN, column.label("sort_value")), status, by_priority=by_priority, by_text=by_text
    )
    if is_later:
        last = tuple_(
            bindparam("after_value", type_=column.type), bindparam("after_id", type_=postgresql.UUID())
        )
        query = query.where(key < last if is_descending else key > last)
    order = (column.desc(), _TODO.id.desc()) if is_descending else (column, _TODO.id)
    return Statement(query.order_by(*order).limit(bindparam("limit")).offset(bindparam("offset")))


@functools.cache
def _count(status: TodoStatus, by_priority: bool, by_text: bool) -> Statement:  # noqa: FBT001  # a cache key
    return Statement(
        _matching(select(func.count().label("total")), status, by_priority=by_priority, by_text=by_text)
    )


def _matching(query: Select[Any], status: TodoStatus, *, by_priority: bool, by_text: bool) -> Select[Any]:
    query = query.select_from(Todo).where(_IS_MINE, *_STATUS[status])
    if by_priority:
        query = query.where(_TODO.priority == any_(bindparam("priorities", type_=ARRAY(Text))))
    if by_text:
        pattern = bindparam("pattern", type_=Text)
        query = query.where(
            _TODO.title.ilike(pattern, escape="\\") | _TODO.description.ilike(pattern, escape="\\")
        )
    return query


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
