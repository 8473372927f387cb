"""Reading a list: a page in any order, and how many match in all."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    Text,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from todo.database.statements import Statement
from todo.features.todos.models import Todo
from todo.features.todos.repository import counts
from todo.features.todos.repository.columns import TODO, USER
from todo.features.todos.repository.documents import DOCUMENT
from todo.features.todos.schemas import TodoSort, TodoStatus


class Among(Enum):
    """Whether a page is of all todos, or of those at some places: few to be sorted, or many to be met.

    Of all, the total is what is kept of it, or those that match are counted.
    """

    ALL = 0
    FEW = 1
    MANY = 2
    COUNTED = 3


_LIMIT = bindparam("limit", type_=Integer)
_ONE = literal_column("1", Integer)
_IS_LIVE = TODO.deleted_at.is_(None)
_STATUS: dict[TodoStatus, Sequence[ColumnElement[bool]]] = {
    TodoStatus.ALL: [_IS_LIVE],
    TodoStatus.ACTIVE: [_IS_LIVE, TODO.completed_at.is_(None)],
    TodoStatus.COMPLETED: [_IS_LIVE, TODO.completed_at.is_not(None)],
    TodoStatus.DELETED: [TODO.deleted_at.is_not(None)],
}
_Bind = Callable[[str, TypeEngine[Any]], ColumnElement[Any]]
_CHANGE_SEQ = (
    select(USER.change_seq).where(USER.id == bindparam("user_id")).scalar_subquery().label("change_seq")
)
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
    """The documents of one page, commas between; where it ends, if more follow; how many match in all.

    The documents are UTF-8, which nobody here has to read. The end is JSON: the sort value of the last one,
    and its id.
    """

    documents: bytes
    end: str | None
    total: int


_OF_ALL = {Among.ALL, Among.COUNTED}


@functools.cache
def page(status: TodoStatus, by_priority: bool, among: Among, sort: TodoSort, is_later: bool) -> Statement:  # noqa: FBT001  # a cache key
    """Give one page and the total: one row, of one snapshot.

    What is kept of the total may be `counts.BEHIND`. Of some places, it is known already; instead there is
    the person's last change, by which to tell whether the places still are what they were.

    No column of it is an array, whose type the driver would first have to look up on each new connection.
    """
    column = _SORT_COLUMN[sort.removeprefix("-")]
    key = tuple_(column, TODO.id)
    is_descending = sort.startswith("-")
    bind = _bound if among in _OF_ALL else _unforeseen
    query = _matching(
        select(DOCUMENT, column.label("sort_value"), TODO.id), status, bind, by_priority=by_priority
    )
    if among not in _OF_ALL:
        query = query.where(_is_among(among, bind))
    if is_later:
        last = tuple_(bind("after_value", column.type), bind("after_id", postgresql.UUID()))
        query = query.where(key < last if is_descending else key > last)
    order = (column.desc(), TODO.id.desc()) if is_descending else (column, TODO.id)
    one_more = bind("limit", Integer()) + _ONE
    found = query.order_by(*order).limit(one_more).offset(bind("offset", Integer())).subquery("found")
    documents = _all_of(found.c.document)[slice(_ONE, _LIMIT)]
    last_key = func.json_build_array(_all_of(found.c.sort_value)[_LIMIT], _all_of(found.c.id)[_LIMIT])
    return Statement(
        select(
            # As it is sent: what a driver takes for text it would decode.
            func.textsend(func.array_to_string(documents, literal_column("','", Text))).label("documents"),
            case((func.count() > _LIMIT, cast(last_key, Text))).label("end"),
            _total(status, among, by_priority=by_priority),
        ).select_from(found)
    )


def _all_of(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give the values of a column in the order of the rows."""
    return func.array_agg(column, type_=ARRAY(column.type))


def _total(status: TodoStatus, among: Among, *, by_priority: bool) -> ColumnElement[int]:
    """Give how many match in all; or what tells whether those that are known still do."""
    if among not in _OF_ALL:
        return _CHANGE_SEQ
    if among is Among.COUNTED:
        counting = _matching(select(func.count()), status, _bound, by_priority=by_priority)
        return counting.scalar_subquery().label("total")
    held = counts.held(status, _bound("priorities", ARRAY(Text)) if by_priority else None)
    # Whoever never wrote has no row.
    return func.coalesce(held, literal_column("0")).label("total")


def _matching(query: Select[Any], status: TodoStatus, bind: _Bind, *, by_priority: bool) -> Select[Any]:
    query = query.select_from(Todo).where(
        TODO.user_id == bind("user_id", postgresql.UUID()), *_STATUS[status]
    )
    if by_priority:
        query = query.where(TODO.priority == any_(bind("priorities", ARRAY(Text))))
    return query


def _is_among(among: Among, bind: _Bind) -> ColumnElement[bool]:
    if among is Among.FEW:
        return TODO.change_seq == any_(bind("found", ARRAY(BigInteger)))
    # Not "= 1", of which the planner would think that it is seldom true, and sort them all.
    return func.get_bit(bind("found", LargeBinary()), TODO.change_seq) != literal_column("0")


def _bound(name: str, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    return bindparam(name, type_=kind)


def _unforeseen(name: str, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """Give a parameter that no plan can foresee: else one is made for each question, longer than it takes."""
    return cast(select(_bound(name, kind)).scalar_subquery(), kind)
