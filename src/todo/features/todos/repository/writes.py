"""Writing todos: each write also records itself in the person's sequence of changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Insert,
    Text,
    Update,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql

from todo.database.statements import Statement
from todo.database.tables import User
from todo.features.todos.models import Todo, TodoChange
from todo.features.todos.repository.columns import CHANGE, IS_MINE, PROVENANCE, SHOWN, STORED, TODO, USER
from todo.features.todos.repository.counts import IS_CURRENT, counted, place_of
from todo.features.todos.schemas import TodoRead

_SHOWN_NAMES = [shown.key for shown in SHOWN]
_CHANGE_NAMES = [
    *("user_id", "seq", "todo_id", "kind", "at", "todo", "before", "undoes"),
    *(one.key for one in PROVENANCE),
]
_COUNT = bindparam("count", type_=BigInteger)
_COUNTED_ON = {"change_seq": USER.change_seq + _COUNT, "counted_seq": USER.counted_seq + _COUNT}
# Not now(): a transaction that waited for the lock would write a time before that of its forerunner.
_AS_CHANGE = (
    USER.change_seq.label("seq"),
    func.clock_timestamp().label("at"),
    USER.todo_count,
    IS_CURRENT.label("is_counted"),
)
NEXT_CHANGES = Statement(
    postgresql.insert(User)
    .values(id=bindparam("user_id"), change_seq=_COUNT, counted_seq=_COUNT)
    .on_conflict_do_update(index_elements=["id"], set_=_COUNTED_ON)
    .returning(*_AS_CHANGE)
)
NEXT_CHANGE_IF_KNOWN = Statement(
    update(User).where(USER.id == bindparam("user_id")).values(_COUNTED_ON).returning(*_AS_CHANGE)
)


def _recorded(
    write: Insert | Update, answer: Sequence[str] = _SHOWN_NAMES, at: ColumnElement[datetime] | None = None
) -> Statement:
    """Give a write that also records itself in the person's sequence of changes, and counts what it adds."""
    written = write.returning(*SHOWN).cte("written")
    record = recorded(
        written,
        kind=bindparam("kind", type_=Text),
        before=bindparam("before", type_=postgresql.JSONB),
        provenance=(bindparam("undoes", type_=BigInteger), *PROVENANCE),
        at=at,
    )
    query = select(*(written.c[name] for name in answer)).add_cte(record)
    return Statement(
        query.add_cte(_counted(written) if isinstance(write, Insert) else _counted_anew(written))
    )


def recorded(
    written: CTE,
    *,
    kind: ColumnElement[str],
    before: ColumnElement[Any],
    provenance: Sequence[ColumnElement[Any]],
    at: ColumnElement[datetime] | None = None,
) -> CTE:
    """Give the part of a write that records what is `written`, as it was made for that if it was.

    The provenance begins with what it undoes.
    """
    row = select(
        written.c.user_id,
        written.c.change_seq,
        written.c.id,
        kind,
        written.c.updated_at if at is None else at,
        _todo_of(written),
        before,
        *provenance,
    )
    return insert(TodoChange).from_select(_CHANGE_NAMES, row).cte("recorded")


def _todo_of(written: CTE) -> ColumnElement[Any]:
    if "todo" in written.c:
        return written.c.todo
    return cast(written.c.document, postgresql.JSONB) if "document" in written.c else _fields(written)


def _fields(written: CTE) -> ColumnElement[Any]:
    return func.jsonb_build_object(
        *(
            part
            for name in TodoRead.model_fields
            for part in (literal_column(f"'{name}'", Text), written.c[name])
        )
    )


def _counted(added: CTE) -> CTE:
    return counted(come=select(place_of(added.c).label("place")))


def _counted_anew(written: CTE) -> CTE:
    named = TODO.id == bindparam("todo_id")
    before = select(TODO.priority, TODO.completed_at, TODO.deleted_at).where(named, IS_MINE).cte("before")
    then, now = place_of(before.c), place_of(written.c)
    moved = before.join(written, then != now)
    return counted(
        gone=select(then.label("place")).select_from(moved),
        come=select(now.label("place")).select_from(moved),
    )


def _added_together() -> Statement:
    """Give the write of many new todos, recorded as of the time they were added."""
    fields = [stored for stored in STORED if stored.key != "user_id"]
    incoming = (
        func.unnest(*(bindparam(field.key, type_=ARRAY(field.type)) for field in fields))
        .table_valued(*(column(field.key, field.type) for field in fields))
        .render_derived(name="incoming")
    )
    owner_id = bindparam("user_id", type_=postgresql.UUID())
    added = insert(Todo).from_select(
        ["user_id", *(field.key for field in fields)], select(owner_id, *incoming.c)
    )
    return _recorded(added, answer=["id"], at=bindparam("at", type_=DateTime(timezone=True)))


def _recorded_together() -> Statement:
    """Give the write of many changes: all are recorded, each todo is stored as its last one left it."""
    edits = (
        func.jsonb_to_recordset(bindparam("edits", type_=postgresql.JSONB))
        .table_valued(
            column("seq", BigInteger),
            column("kind", Text),
            column("is_new", Boolean),
            column("is_last", Boolean),
            column("todo", postgresql.JSONB),
            column("before", postgresql.JSONB),
            column("undoes", BigInteger),
        )
        .render_derived(name="edits", with_types=True)
    )
    edit = select(bindparam("user_id", type_=postgresql.UUID()).label("user_id"), *edits.c).cte("edit")
    fields = [stored for stored in STORED if stored.key not in {"user_id", "change_seq"}]
    state = (
        func.jsonb_to_record(edit.c.todo)
        .table_valued(*(column(field.key, field.type) for field in fields))
        .render_derived(name="state", with_types=True)
    )
    names = ["user_id", "change_seq", *(field.key for field in fields)]
    last = (
        select(edit.c.user_id, edit.c.seq.label("change_seq"), *state.c, edit.c.is_new)
        .select_from(edit.join(state, true()))
        .where(edit.c.is_last)
        .cte("last")
    )
    added = insert(Todo).from_select(names, select(*(last.c[name] for name in names)).where(last.c.is_new))
    saved = (
        update(Todo)
        .where(TODO.user_id == last.c.user_id, TODO.id == last.c.id, ~last.c.is_new)
        .values({name: last.c[name] for name in names if name not in {"user_id", "id"}})
    )
    recorded = insert(TodoChange).from_select(
        _CHANGE_NAMES,
        select(
            edit.c.user_id,
            edit.c.seq,
            state.c.id,
            edit.c.kind,
            state.c.updated_at,
            edit.c.todo,
            edit.c.before,
            edit.c.undoes,
            *PROVENANCE,
        ).select_from(edit.join(state, true())),
    )
    before = (
        select(TODO.priority, TODO.completed_at, TODO.deleted_at)
        .where(IS_MINE, TODO.id == last.c.id)
        .cte("before")
    )
    moves = counted(
        gone=select(place_of(before.c).label("place")), come=select(place_of(last.c).label("place"))
    )
    return Statement(recorded.add_cte(added.cte("added"), saved.cte("saved"), moves).returning(CHANGE.seq))


ADD = _recorded(insert(Todo).values({column.key: bindparam(column.key) for column in STORED}))
SAVE = _recorded(
    update(Todo)
    .where(IS_MINE, TODO.id == bindparam("todo_id"))
    .values({column.key: bindparam(column.key) for column in STORED if column.key not in {"user_id", "id"}})
)
ADD_TOGETHER = _added_together()
RECORD_TOGETHER = _recorded_together()
