"""The queries on todos: one person's, and for the upkeep what is due of many."""

import functools
import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Insert,
    Select,
    Text,
    Update,
    Uuid,
    any_,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql

from todo.database.engine import Connection
from todo.database.statements import Statement
from todo.database.tables import Table, User
from todo.database.transaction import Transaction
from todo.database.upkeep import remove_in_batches
from todo.features.todos.models import ChangeKind, Todo, TodoChange
from todo.features.todos.rules import Change, Edit
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
_SHOWN_NAMES = [shown.key for shown in _SHOWN]

_IDS = ARRAY(postgresql.UUID())
_ASKED = (
    func.unnest(bindparam("ids", type_=_IDS))
    .table_valued(column("id", postgresql.UUID()))
    .render_derived(name="asked")
)
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
_GET_MANY = Statement(select(*_STORED).where(_IS_MINE, _TODO.id == any_(bindparam("ids", type_=_IDS))))
# One by one: for many at once, reading all of a person's todos may look cheaper than it is.
_PLACE = select(_TODO.change_seq).where(_IS_MINE, _TODO.id == _ASKED.c.id).limit(1).lateral("place")
_PLACES = Statement(select(_ASKED.c.id, _PLACE.c.change_seq).select_from(_ASKED.join(_PLACE, true())))
_ALL = Statement(select(*_SHOWN).where(_IS_MINE).order_by(_TODO.id))
_ANYBODYS = Statement(select(_ASKED.c.id).where(func.todo_exists(_ASKED.c.id)).select_from(_ASKED))
_COUNT = bindparam("count", type_=BigInteger)
_COUNTED_ON = {"change_seq": _USER.change_seq + _COUNT}
# Not now(): a transaction that waited for the lock would write a time before that of its forerunner.
_AS_CHANGE = (_USER.change_seq.label("seq"), func.clock_timestamp().label("at"), _USER.todo_count)
_NEXT_CHANGES = Statement(
    postgresql.insert(User)
    .values(id=bindparam("user_id"), change_seq=_COUNT)
    .on_conflict_do_update(index_elements=["id"], set_=_COUNTED_ON)
    .returning(*_AS_CHANGE)
)
_NEXT_CHANGE_IF_KNOWN = Statement(
    update(User).where(_USER.id == bindparam("user_id")).values(_COUNTED_ON).returning(*_AS_CHANGE)
)


def _recorded(
    write: Insert | Update, answer: Sequence[str] = _SHOWN_NAMES, at: ColumnElement[datetime] | None = None
) -> Statement:
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
            written.c.updated_at if at is None else at,
            todo,
        ),
    )
    query = select(*(written.c[name] for name in answer)).add_cte(record.cte("recorded"))
    if isinstance(write, Insert):
        query = query.add_cte(_counted(select(written)))
    return Statement(query)


def _counted(added: Select[Any]) -> CTE:
    count = select(func.count()).select_from(added.subquery()).scalar_subquery()
    counting = update(User).where(_USER.id == bindparam("user_id"))
    return counting.values(todo_count=_USER.todo_count + count).cte("counted")


def _added_together() -> Statement:
    """Give the write of many new todos, recorded as of the time they were added."""
    fields = [stored for stored in _STORED if stored.key != "user_id"]
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
        )
        .render_derived(name="edits", with_types=True)
    )
    edit = select(bindparam("user_id", type_=postgresql.UUID()).label("user_id"), *edits.c).cte("edit")
    fields = [stored for stored in _STORED if stored.key not in {"user_id", "change_seq"}]
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
        .where(_TODO.user_id == last.c.user_id, _TODO.id == last.c.id, ~last.c.is_new)
        .values({name: last.c[name] for name in names if name not in {"user_id", "id"}})
    )
    recorded = insert(TodoChange).from_select(
        ["user_id", "seq", "todo_id", "kind", "at", "todo"],
        select(
            edit.c.user_id, edit.c.seq, state.c.id, edit.c.kind, state.c.updated_at, edit.c.todo
        ).select_from(edit.join(state, true())),
    )
    counted = _counted(select(last).where(last.c.is_new))
    return Statement(recorded.add_cte(added.cte("added"), saved.cte("saved"), counted).returning(_CHANGE.seq))


_ADD = _recorded(insert(Todo).values({column.key: bindparam(column.key) for column in _STORED}))
_SAVE = _recorded(
    update(Todo)
    .where(_IS_MINE, _TODO.id == bindparam("todo_id"))
    .values({column.key: bindparam(column.key) for column in _STORED if column.key not in {"user_id", "id"}})
)
_ADD_TOGETHER = _added_together()
_RECORD_TOGETHER = _recorded_together()
_LAST_CHANGE = Statement(select(_USER.change_seq.label("seq")).where(_USER.id == bindparam("user_id")))
_CHANGES = Statement(
    select(_CHANGE.seq, _CHANGE.kind, _CHANGE.todo_id.label("id"), _CHANGE.todo, _CHANGE.at)
    .where(_CHANGE.user_id == bindparam("user_id"), _CHANGE.seq > bindparam("since"))
    .order_by(_CHANGE.seq)
    .limit(bindparam("limit"))
)


def _purge() -> Statement:
    """Give the removal of old trash, each todo at a place of its own in the person's sequence."""
    seq = bindparam("seq", type_=BigInteger)
    oldest = (
        select(_TODO.id)
        .where(_IS_MINE, _TODO.deleted_at < bindparam("before"))
        .order_by(_TODO.deleted_at, _TODO.id)
        .limit(bindparam("limit"))
    )
    gone = (
        delete(Todo)
        .where(_IS_MINE, _TODO.id.in_(oldest))
        .returning(_TODO.user_id, _TODO.id, _TODO.deleted_at)
        .cte("gone")
    )
    place = func.row_number().over(order_by=(gone.c.deleted_at, gone.c.id))
    record = insert(TodoChange).from_select(
        ["user_id", "seq", "todo_id", "kind", "at", "todo"],
        select(
            gone.c.user_id,
            seq + place - 1,
            gone.c.id,
            literal(ChangeKind.PURGED.value, Text),
            bindparam("at", type_=DateTime(timezone=True)),
            null(),
        ),
    )
    count = select(func.count().label("purged")).select_from(gone)
    # The first place was taken before, with the lock.
    take_places = (
        update(User)
        .where(_USER.id == bindparam("user_id"))
        .values(
            change_seq=seq + func.greatest(count.scalar_subquery() - 1, 0),
            todo_count=func.greatest(_USER.todo_count - count.scalar_subquery(), 0),
        )
    )
    return Statement(count.add_cte(record.cte("recorded"), take_places.cte("counted")))


_PURGE = _purge()
_THEIR = any_(bindparam("people", type_=ARRAY(Uuid)))
_OWNERS_OF_TRASH = Statement(
    select(_TODO.user_id).distinct().where(_TODO.user_id == _THEIR, _TODO.deleted_at < bindparam("before"))
)


def _forget_changes() -> Statement:
    """Give the removal of people's old changes.

    A person's changes lie in the order of their times: the old ones and the first kept one are all it reads.
    """
    changes = Table.metadata.tables[str(TodoChange.__tablename__)]
    person = Table.metadata.tables[str(User.__tablename__)].alias("person")
    old, kept = changes.alias("old"), changes.alias("kept")
    first_kept = (
        select(kept.c.seq)
        .where(kept.c.user_id == person.c.id, kept.c.at >= bindparam("before"))
        .order_by(kept.c.seq)
        .limit(1)
        .correlate(person)
        .scalar_subquery()
    )
    # Person by person: for all at once, a scan of the whole table may look cheaper than it is.
    oldest = (
        select(old.c.user_id, old.c.seq)
        .where(old.c.user_id == person.c.id, old.c.seq < func.coalesce(first_kept, 2**63 - 1))
        .order_by(old.c.seq)
        .limit(bindparam("limit"))
        .correlate(person)
        .lateral("oldest")
    )
    due = (
        select(oldest.c.user_id, oldest.c.seq)
        .select_from(person.join(oldest, true()))
        .where(person.c.id == _THEIR)
        .limit(bindparam("limit"))
    )
    return Statement(delete(TodoChange).where(tuple_(_CHANGE.user_id, _CHANGE.seq).in_(due)))


_FORGET_CHANGES = _forget_changes()


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

    async def get_many(self, todo_ids: Collection[UUID]) -> dict[UUID, Todo]:
        """Give those there are of some todos to decide about, by id, from the trash too."""
        rows = await self._transaction.rows(_GET_MANY, user_id=self.owner_id, ids=list(todo_ids))
        return {row["id"]: Todo(**dict(row)) for row in rows}

    async def anybodys(self, todo_ids: Collection[UUID]) -> set[UUID]:
        """Give those of the ids under which anybody has a todo."""
        rows = await self._transaction.rows(_ANYBODYS, ids=list(todo_ids))
        return {row["id"] for row in rows}

    async def places(self, todo_ids: Collection[UUID]) -> dict[UUID, int]:
        """Give the places in the sequence of those there are of some todos, by id, from the trash too."""
        rows = await self._transaction.rows(_PLACES, user_id=self.owner_id, ids=list(todo_ids))
        return {row["id"]: row["change_seq"] for row in rows}

    async def all(self, at_once: int) -> AsyncIterator[list[TodoRead]]:
        """Give every todo, some at a time, ordered by id, those in the trash too."""
        async for rows in self._transaction.chunks(_ALL, at_once, user_id=self.owner_id):
            yield [TodoRead.model_validate(dict(row)) for row in rows]

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
        return (await self.next_changes(1))[0]

    async def next_changes(self, count: int) -> list[Change]:
        """Begin as many changes, all of one moment; those that are not made leave gaps in the sequence."""
        row = await self._transaction.one(_NEXT_CHANGES, user_id=self.owner_id, count=count)
        if row is None:
            raise RuntimeError("an upsert returns its row")
        last = row["seq"]
        if last == count:
            # A new person; or one whose account was deleted while this waited for their lock.
            await self._transaction.require_standing()
        return [Change(seq, row["at"], row["todo_count"]) for seq in range(last - count + 1, last + 1)]

    async def next_change_if_known(self) -> Change | None:
        """Begin a change as `next_change` does, unless the owner has been deleted."""
        row = await self._transaction.one(_NEXT_CHANGE_IF_KNOWN, user_id=self.owner_id, count=1)
        return None if row is None else Change(row["seq"], row["at"], row["todo_count"])

    async def add(self, todo: Todo) -> TodoRead:
        """Store a new todo."""
        return await self._write(_ADD, ChangeKind.CREATED, **_values(todo))

    async def add_many(self, edits: Sequence[Edit]) -> None:
        """Store new todos as they are, in one statement."""
        if not edits:
            return
        values: dict[str, Any] = {
            field.key: [getattr(edit.todo, field.key) for edit in edits]
            for field in _STORED
            if field.key not in {"user_id", "change_seq"}
        }
        await self._transaction.rows(
            _ADD_TOGETHER,
            user_id=self.owner_id,
            kind=ChangeKind.CREATED,
            at=edits[0].change.at,
            change_seq=[edit.change.seq for edit in edits],
            **values,
        )

    async def save(self, todo: Todo, change: Change, kind: ChangeKind) -> TodoRead:
        """Store a changed todo as its next version."""
        todo.advance(change.seq, change.at)
        return await self._write(_SAVE, kind, todo_id=todo.id, **_values(todo))

    async def record(self, edits: Sequence[Edit]) -> None:
        """Store what several changes made of their todos, in one statement."""
        last = {edit.todo.id: edit.change.seq for edit in edits}
        new = {edit.todo.id for edit in edits if edit.kind is ChangeKind.CREATED}
        rows = [
            {
                "seq": edit.change.seq,
                "kind": edit.kind,
                "is_new": edit.todo.id in new,
                "is_last": last[edit.todo.id] == edit.change.seq,
                "todo": edit.todo.model_dump(mode="json"),
            }
            for edit in edits
        ]
        await self._transaction.rows(_RECORD_TOGETHER, user_id=self.owner_id, edits=json.dumps(rows))

    async def purge(self, first: Change, before: datetime, limit: int) -> int:
        """Remove what went into the trash before then, oldest first, and give how many todos went."""
        row = await self._transaction.one(
            _PURGE, user_id=self.owner_id, seq=first.seq, at=first.at, before=before, limit=limit
        )
        return 0 if row is None else int(row["purged"])

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


async def owners_of_trash(owner: Connection, people: Sequence[UUID], before: datetime) -> list[UUID]:
    """Give those of these people who put something into the trash before then."""
    values = {"people": people, "before": before}
    rows = await owner.fetch(_OWNERS_OF_TRASH.sql, *_OWNERS_OF_TRASH.arguments(values))
    return [row["user_id"] for row in rows]


async def forget_changes(owner: Connection, people: Sequence[UUID], before: datetime) -> int:
    """Forget what these people changed before then, and give how many changes that were."""
    return await remove_in_batches(owner, _FORGET_CHANGES, people=people, before=before)


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
