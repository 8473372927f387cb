"""Writing one todo by one statement, where nothing stands against it; where anything does, nothing is done.

Every statement locks the person's row first, as every writer does. Who waited for a lock reads that row anew,
and everything else as it was when the statement began: so what is written follows from locked rows alone.
"""

import functools
from collections.abc import Callable, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    DateTime,
    Insert,
    Integer,
    Text,
    Update,
    bindparam,
    case,
    cast,
    column,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import aggregate_order_by

from todo.database.glance import STANDING
from todo.database.idempotency import CLAIMED, IS_NEW, kept
from todo.database.statements import Statement
from todo.database.tables import User
from todo.features.todos.models import ChangeKind, Priority, Todo
from todo.features.todos.repository.columns import SOURCE, STORED, TODO, USER
from todo.features.todos.repository.counts import IS_CURRENT, place, place_of
from todo.features.todos.repository.documents import DOCUMENT, document_of_new, instant
from todo.features.todos.repository.writes import recorded

_OWNER = bindparam("user_id", type_=postgresql.UUID())
_ID = bindparam("id", type_=postgresql.UUID())
_IS_ME = USER.id == _OWNER
_IS_IT = (TODO.user_id == _OWNER, TODO.id == _ID)
_NONE, _ONE = literal_column("0", BigInteger), literal_column("1", BigInteger)
_NEXT = {"change_seq": USER.change_seq + _ONE, "counted_seq": USER.counted_seq + _ONE}
# Not now(): a statement that waited for the lock would write a time before that of its forerunner.
_ROOM = bindparam("room", type_=BigInteger)
# JSON is dear to write: once, and then it is sent, recorded and kept.
_WRITTEN = (TODO.user_id, TODO.id, TODO.updated_at, TODO.version, TODO.change_seq, DOCUMENT)
_AS_CHANGE = (USER.change_seq.label("seq"), func.clock_timestamp().label("at"))


def _struck(
    write: Insert | Update, kind: ColumnElement[str], before: ColumnElement[Any], *, is_keyed: bool = False
) -> Statement:
    """Give a write that also records itself, and what it wrote as it is sent."""
    written = write.returning(*_WRITTEN).cte("written")
    provenance = (null(), written.c.change_seq, *SOURCE)
    query = (
        select(
            STANDING.c.lasts,
            written.c.id.is_not(None).label("is_done"),
            written.c.document,
            written.c.version,
        )
        .select_from(STANDING.outerjoin(written, true()))
        .add_cte(recorded(written, kind=kind, before=before, provenance=provenance))
    )
    return Statement(query.add_cte(kept(written, written.c.document)) if is_keyed else query)


def _word(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'", Text)


def _add(*, is_keyed: bool = False) -> Statement:
    held = USER.todo_counts[bindparam("place", type_=Integer)]
    has_room = USER.todo_count < _ROOM
    claimed = (CLAIMED.c.is_ours, IS_NEW) if is_keyed else ()
    numbered = (
        update(User)
        .where(_IS_ME, STANDING.c.lasts, IS_CURRENT, has_room, *claimed)
        .values({**_NEXT, "todo_count": USER.todo_count + _ONE, held: held + _ONE})
        .returning(*_AS_CHANGE)
        .cte("numbered")
    )
    row: dict[Any, ColumnElement[Any]] = {
        TODO.user_id: _OWNER,
        TODO.id: _ID,
        TODO.title: bindparam("title", type_=Text),
        TODO.description: bindparam("description", type_=Text),
        TODO.priority: bindparam("priority", type_=Text),
        TODO.created_at: numbered.c.at,
        TODO.updated_at: numbered.c.at,
        TODO.version: _ONE,
        TODO.change_seq: numbered.c.seq,
    }
    write = insert(Todo).from_select(list(row), select(*row.values()).select_from(numbered))
    return _struck(write, _word(ChangeKind.CREATED), null(), is_keyed=is_keyed)


def _add_many() -> Statement:
    """Give the addition of many todos, all of one action, and what it added as it is sent, a line each."""
    count = bindparam("count", type_=BigInteger)
    held = [USER.todo_counts[place(priority)] for priority in Priority]
    more = [bindparam(priority, type_=BigInteger) for priority in Priority]
    numbered = (
        update(User)
        .where(_IS_ME, STANDING.c.lasts, IS_CURRENT, USER.todo_count + count <= _ROOM)
        .values(
            {
                "change_seq": USER.change_seq + count,
                "counted_seq": USER.counted_seq + count,
                "todo_count": USER.todo_count + count,
                **{number: number + some for number, some in zip(held, more, strict=True)},
            }
        )
        .returning((USER.change_seq - count).label("last"), func.clock_timestamp().label("at"))
        .cte("numbered")
    )
    new = _new_todos(numbered)
    row: dict[Any, ColumnElement[Any]] = {
        TODO.user_id: new.c.user_id,
        TODO.id: new.c.id,
        **{one: _of(new.c.said, one.key) for one in (TODO.title, TODO.description, TODO.priority)},
        TODO.created_at: new.c.updated_at,
        TODO.updated_at: new.c.updated_at,
        TODO.version: _ONE,
        TODO.change_seq: new.c.change_seq,
    }
    written = insert(Todo).from_select(list(row), select(*row.values())).cte("written")
    action = select(numbered.c.last + _ONE).scalar_subquery()
    record = recorded(
        new, kind=_word(ChangeKind.CREATED), before=null(), provenance=(null(), action, *SOURCE)
    )
    between = aggregate_order_by(literal_column("chr(10)", Text), new.c.change_seq)
    return Statement(
        select(
            STANDING.c.lasts,
            (func.count(new.c.id) > _NONE).label("is_done"),
            func.string_agg(new.c.document, between).label("documents"),
        )
        .select_from(STANDING.outerjoin(new, true()))
        .group_by(STANDING.c.lasts)
        .add_cte(written, record)
    )


def _new_todos(numbered: CTE) -> CTE:
    """Give what is said of many new todos, numbered, as it is sent and as it is recorded."""
    at = instant(numbered.c.at)
    # What all have in common is written once.
    common = (
        select(*numbered.c, at.label("since"), cast(document_of_new(at), postgresql.JSONB).label("rest"))
        .cte("common")
        .prefix_with("MATERIALIZED")
    )
    new = (
        func.jsonb_array_elements(bindparam("new", type_=postgresql.JSONB))
        .table_valued(column("said", postgresql.JSONB), with_ordinality="place")
        .render_derived(name="new")
    )
    return (
        select(
            _OWNER.label("user_id"),
            cast(_of(new.c.said, "id"), postgresql.UUID()).label("id"),
            (common.c.last + new.c.place).label("change_seq"),
            common.c.at.label("updated_at"),
            new.c.said,
            new.c.said.op("||")(common.c.rest).label("todo"),
            document_of_new(common.c.since, new.c.said),
        )
        .select_from(common.join(new, true()))
        .cte("new_todos")
    )


def _of(said: ColumnElement[Any], name: str) -> ColumnElement[str]:
    return said.op("->>", return_type=Text())(_word(name))


ADD = _add()
ADD_KEYED = _add(is_keyed=True)
ADD_MANY = _add_many()


class _Setting(NamedTuple):
    """A column that is set, and what that is if it changes a row; what it becomes in one, at a time."""

    kind: ChangeKind
    column: str
    changes: Callable[[Any], ColumnElement[bool]]
    becomes: Callable[[Any, ColumnElement[datetime]], ColumnElement[Any]]


def _to_what_is_said(column: str) -> _Setting:
    value: ColumnElement[Any] = bindparam(column, type_=Text)
    return _Setting(
        ChangeKind.UPDATED,
        column,
        lambda row: row[column].is_distinct_from(value),
        lambda _row, _at: value,
    )


def _to_the_time(kind: ChangeKind, column: str) -> _Setting:
    return _Setting(
        kind, column, lambda row: row[column].is_(None), lambda row, at: func.coalesce(row[column], at)
    )


def _to_nothing(kind: ChangeKind, column: str) -> _Setting:
    return _Setting(kind, column, lambda row: row[column].is_not(None), lambda _row, _at: null())


_SETTINGS = {
    "title": _to_what_is_said("title"),
    "description": _to_what_is_said("description"),
    "priority": _to_what_is_said("priority"),
    ChangeKind.COMPLETED: _to_the_time(ChangeKind.COMPLETED, "completed_at"),
    ChangeKind.REOPENED: _to_nothing(ChangeKind.REOPENED, "completed_at"),
    ChangeKind.DELETED: _to_the_time(ChangeKind.DELETED, "deleted_at"),
    ChangeKind.RESTORED: _to_nothing(ChangeKind.RESTORED, "deleted_at"),
}
_COUNTED_BY = {"priority", "completed_at", "deleted_at"}


@functools.cache
def change(what: tuple[str, ...], *, is_versioned: bool) -> Statement:
    """Give the statement that changes a todo: the fields named are set, and the kinds named are done to it.

    It does nothing to a todo that is so already, is not at the version or, unless restored, in the trash.
    """
    settings = [_SETTINGS[one] for one in what]
    old = _old(settings, is_versioned=is_versioned, in_trash=ChangeKind.RESTORED in what)
    numbered = (
        update(User)
        .where(_IS_ME, USER.id == old.c.user_id, IS_CURRENT)
        .values({**_NEXT, **_moved(old)})
        .returning(*_AS_CHANGE)
        .cte("numbered")
    )
    values = {one.column: one.becomes(TODO, numbered.c.at) for one in settings}
    write = (
        update(Todo)
        .where(*_IS_IT)
        .values(**values, version=TODO.version + _ONE, updated_at=numbered.c.at, change_seq=numbered.c.seq)
    )
    return _struck(write, _kind(settings, old), _before(settings, old))


def _old(settings: Sequence[_Setting], *, is_versioned: bool, in_trash: bool) -> CTE:
    """Give the todo as it is before, if it is to be changed."""
    mine = STANDING.join(User, _IS_ME & STANDING.c.lasts).join(Todo, TODO.user_id == USER.id)
    old = (
        select(*STORED, *_places(settings))
        .select_from(mine)
        .where(*_IS_IT, or_(*(one.changes(TODO) for one in settings)))
    )
    if is_versioned:
        old = old.where(TODO.version == bindparam("version", type_=Integer))
    if not in_trash:
        old = old.where(TODO.deleted_at.is_(None))
    # The person's row first, as everybody does.
    return old.with_for_update(of=[User, Todo], key_share=True).cte("old")


def _places(settings: Sequence[_Setting]) -> Sequence[ColumnElement[int]]:
    """Give where the todo is and will be counted, if that may change."""
    if not _COUNTED_BY & {one.column for one in settings}:
        return ()
    soon = {one.column: one.becomes(TODO, func.now()) for one in settings}
    come = place_of(SimpleNamespace(**{name: soon.get(name, TODO[name]) for name in _COUNTED_BY}))
    return place_of(TODO).label("gone"), come.label("come")


def _moved(old: CTE) -> dict[Any, ColumnElement[Any]]:
    """Give the numbers that change with where the todo is counted."""
    if "gone" not in old.c:
        return {}
    one = case((old.c.gone == old.c.come, _NONE), else_=_ONE)
    gone, come = USER.todo_counts[old.c.gone], USER.todo_counts[old.c.come]
    return {gone: gone - one, come: come + one}


def _kind(settings: Sequence[_Setting], old: CTE) -> ColumnElement[str]:
    updated = _word(ChangeKind.UPDATED)
    acts = [(one.changes(old.c), _word(one.kind)) for one in settings if one.kind is not ChangeKind.UPDATED]
    if len(settings) == 1 or not acts:
        return _word(settings[0].kind)
    return select(case(*acts, else_=updated)).select_from(old).scalar_subquery()


def _before(settings: Sequence[_Setting], old: CTE) -> ColumnElement[Any]:
    """Give the fields that change, as they were."""
    none = cast(_word("{}"), postgresql.JSONB)
    fields: list[ColumnElement[Any]] = []
    for one in settings:
        value = old.c[one.column]
        shown = instant(value) if isinstance(value.type, DateTime) else value
        was = func.jsonb_build_object(_word(one.column), shown)
        fields.append(was if len(settings) == 1 else case((one.changes(old.c), was), else_=none))
    whole = functools.reduce(lambda some, more: some.op("||")(more), fields)
    return select(whole).select_from(old).scalar_subquery()
