"""Reading a list: a page in any order, and how many match in all."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, any_, bindparam, func, select, tuple_
from sqlalchemy.dialects import postgresql

from todo.database.statements import Statement
from todo.features.todos.models import Todo
from todo.features.todos.repository.columns import IS_MINE, SHOWN, TODO
from todo.features.todos.schemas import TodoRead, TodoSort, TodoStatus

_IS_LIVE = TODO.deleted_at.is_(None)
_STATUS: dict[TodoStatus, Sequence[ColumnElement[bool]]] = {
    TodoStatus.ALL: [_IS_LIVE],
    TodoStatus.ACTIVE: [_IS_LIVE, TODO.completed_at.is_(None)],
    TodoStatus.COMPLETED: [_IS_LIVE, TODO.completed_at.is_not(None)],
    TodoStatus.DELETED: [TODO.deleted_at.is_not(None)],
}
_SORT_COLUMN: dict[str, ColumnElement[Any]] = {
    "created_at": TODO.created_at,
    "updated_at": TODO.updated_at,
    "priority": TODO.priority_rank,
    "title": TODO.title_key,
}


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


@functools.cache
def page(status: TodoStatus, by_priority: bool, by_text: bool, sort: TodoSort, is_later: bool) -> Statement:  # noqa: FBT001  # a cache key
    column = _SORT_COLUMN[sort.removeprefix("-")]
    key = tuple_(column, TODO.id)
    is_descending = sort.startswith("-")
    query = _matching(
        select(*SHOWN, column.label("sort_value")), status, by_priority=by_priority, by_text=by_text
    )
    if is_later:
        last = tuple_(
            bindparam("after_value", type_=column.type), bindparam("after_id", type_=postgresql.UUID())
        )
        query = query.where(key < last if is_descending else key > last)
    order = (column.desc(), TODO.id.desc()) if is_descending else (column, TODO.id)
    return Statement(query.order_by(*order).limit(bindparam("limit")).offset(bindparam("offset")))


@functools.cache
def count(status: TodoStatus, by_priority: bool, by_text: bool) -> Statement:  # noqa: FBT001  # a cache key
    return Statement(
        _matching(select(func.count().label("total")), status, by_priority=by_priority, by_text=by_text)
    )


def _matching(query: Select[Any], status: TodoStatus, *, by_priority: bool, by_text: bool) -> Select[Any]:
    query = query.select_from(Todo).where(IS_MINE, *_STATUS[status])
    if by_priority:
        query = query.where(TODO.priority == any_(bindparam("priorities", type_=ARRAY(Text))))
    if by_text:
        pattern = bindparam("pattern", type_=Text)
        query = query.where(
            TODO.title.ilike(pattern, escape="\\") | TODO.description.ilike(pattern, escape="\\")
        )
    return query


def escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
