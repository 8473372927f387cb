"""How many todos a person has, by state and priority: kept in their row by whatever changes that.

A row of `users` holds twelve numbers, one for each state (active, completed, in the trash) and priority, and
up to which change they are right. Where that is behind, somebody wrote who does not count, as the release
before did: readers then count rows, and the next writer counts anew.
"""

import functools
import operator
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Select,
    Text,
    any_,
    bindparam,
    case,
    column,
    func,
    literal_column,
    select,
    union_all,
    update,
)

from todo.database.statements import Statement
from todo.database.tables import User
from todo.features.todos.models import Priority
from todo.features.todos.repository.columns import IS_MINE, TODO, USER
from todo.features.todos.schemas import TodoStatus

_STATES = {
    TodoStatus.ALL: (0, 1),
    TodoStatus.ACTIVE: (0,),
    TodoStatus.COMPLETED: (1,),
    TodoStatus.DELETED: (2,),
}
_RANK = {priority: rank for rank, priority in enumerate(Priority, start=1)}
_IS_ME = USER.id == bindparam("user_id")
_HELD = (
    func.unnest(USER.todo_counts)
    .table_valued(column("number", BigInteger), with_ordinality="place")
    .render_derived("held")
)
_PLACES = len(_STATES[TodoStatus.ALL] + _STATES[TodoStatus.DELETED]) * len(Priority)
_PRIORITIES: ColumnElement[Any] = literal_column("'{" + ",".join(Priority) + "}'::text[]")
_NONE = literal_column("0", BigInteger)
IS_CURRENT = USER.counted_seq == USER.change_seq


def place(priority: Priority) -> int:
    """Give where an active todo is counted."""
    return _RANK[priority]


def place_of(row: Any) -> ColumnElement[int]:
    """Give where a todo is counted."""
    state = case(
        (row.deleted_at.is_not(None), literal_column("8")),
        (row.completed_at.is_not(None), literal_column("4")),
        else_=literal_column("0"),
    )
    return state + func.array_position(_PRIORITIES, row.priority)


def counted(*, gone: Select[Any] | None = None, come: Select[Any] | None = None, **more: Any) -> CTE:
    """Give the part of a write that counts: each row of `gone` and `come` is the place of one todo.

    Whoever writes holds the lock on the row. `more` is set there as well, if anything is counted.
    """
    moves = union_all(
        *(
            select(part.subquery().c.place, literal_column(sign, BigInteger).label("sign"))
            for part, sign in ((gone, "-1"), (come, "1"))
            if part is not None
        )
    ).cte("moves")
    moved = select(func.sum(moves.c.sign)).where(moves.c.place == _HELD.c.place).scalar_subquery()
    numbers = select(_HELD.c.number + func.coalesce(moved, _NONE)).order_by(_HELD.c.place)
    in_all = select(func.sum(moves.c.sign)).scalar_subquery()
    return (
        update(User)
        .where(_IS_ME, select(moves.c.place).exists())
        .values(
            todo_counts=func.array(numbers.scalar_subquery()),
            todo_count=USER.todo_count + in_all,
            **more,
        )
        .cte("counted")
    )


def _recount() -> Statement:
    theirs = select(place_of(TODO).label("place")).where(IS_MINE).cte("theirs")
    place = (
        func.generate_series(literal_column("1"), literal_column(str(_PLACES)))
        .table_valued("place")
        .render_derived("held")
    )
    numbers = (
        select(func.count(theirs.c.place))
        .select_from(place.outerjoin(theirs, theirs.c.place == place.c.place))
        .group_by(place.c.place)
        .order_by(place.c.place)
    )
    return Statement(
        update(User)
        .where(_IS_ME)
        .values(
            todo_counts=func.array(numbers.scalar_subquery()),
            todo_count=select(func.count()).select_from(theirs).scalar_subquery(),
            counted_seq=USER.change_seq,
        )
        .returning(USER.todo_count)
    )


RECOUNT = _recount()
BEHIND = -1


def held(status: TodoStatus, priorities: ColumnElement[Any] | None) -> ScalarSelect[int]:
    """Give how many todos of a status there are, of these priorities or all; `BEHIND` if it is not known."""
    total = sum((_held_of(status, priority, priorities) for priority in Priority), _NONE)
    behind = literal_column(str(BEHIND), BigInteger)
    return select(case((IS_CURRENT, total), else_=behind)).where(_IS_ME).scalar_subquery()


def _held_of(
    status: TodoStatus, priority: Priority, priorities: ColumnElement[Any] | None
) -> ColumnElement[Any]:
    numbers = (
        USER.todo_counts[literal_column(str(state * len(Priority) + _RANK[priority]))]
        for state in _STATES[status]
    )
    in_all = functools.reduce(operator.add, numbers)
    if priorities is None:
        return in_all
    return case((literal_column(f"'{priority}'", Text) == any_(priorities), in_all), else_=_NONE)
