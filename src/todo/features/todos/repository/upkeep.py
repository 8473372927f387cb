"""Removing what is due: old trash of one person, old changes of many."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Text,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    true,
    tuple_,
)

from todo.database.engine import Connection
from todo.database.statements import Statement
from todo.database.tables import Table, User
from todo.database.upkeep import remove_in_batches
from todo.features.todos.models import ChangeKind, Todo, TodoChange
from todo.features.todos.repository.columns import CHANGE, IS_MINE, PROVENANCE, TODO, USER
from todo.features.todos.repository.counts import counted, place_of


def _purge() -> Statement:
    """Give the removal of old trash, each todo at a place of its own in the person's sequence."""
    seq = bindparam("seq", type_=BigInteger)
    oldest = (
        select(TODO.id)
        .where(IS_MINE, TODO.deleted_at < bindparam("before"))
        .order_by(TODO.deleted_at, TODO.id)
        .limit(bindparam("limit"))
    )
    gone = (
        delete(Todo)
        .where(IS_MINE, TODO.id.in_(oldest))
        .returning(TODO.user_id, TODO.id, TODO.priority, TODO.completed_at, TODO.deleted_at)
        .cte("gone")
    )
    place = func.row_number().over(order_by=(gone.c.deleted_at, gone.c.id))
    record = insert(TodoChange).from_select(
        ["user_id", "seq", "todo_id", "kind", "at", "todo", *(one.key for one in PROVENANCE)],
        select(
            gone.c.user_id,
            seq + place - 1,
            gone.c.id,
            literal(ChangeKind.PURGED.value, Text),
            bindparam("at", type_=DateTime(timezone=True)),
            null(),
            *PROVENANCE,
        ),
    )
    count = select(func.count().label("purged")).select_from(gone)
    # The first place was taken before, with the lock.
    more = count.scalar_subquery() - 1
    take_places = counted(
        gone=select(place_of(gone.c).label("place")),
        change_seq=USER.change_seq + more,
        counted_seq=USER.counted_seq + more,
    )
    return Statement(count.add_cte(record.cte("recorded"), take_places))


PURGE = _purge()
_THEIR = any_(bindparam("people", type_=ARRAY(Uuid)))
_OWNERS_OF_TRASH = Statement(
    select(TODO.user_id).distinct().where(TODO.user_id == _THEIR, TODO.deleted_at < bindparam("before"))
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
    return Statement(delete(TodoChange).where(tuple_(CHANGE.user_id, CHANGE.seq).in_(due)))


_FORGET_CHANGES = _forget_changes()


async def owners_of_trash(owner: Connection, people: Sequence[UUID], before: datetime) -> list[UUID]:
    """Give those of these people who put something into the trash before then."""
    values = {"people": people, "before": before}
    rows = await owner.fetch(_OWNERS_OF_TRASH.sql, *_OWNERS_OF_TRASH.arguments(values))
    return [row["user_id"] for row in rows]


async def forget_changes(owner: Connection, people: Sequence[UUID], before: datetime) -> int:
    """Forget what these people changed before then, and give how many changes that were."""
    return await remove_in_batches(owner, _FORGET_CHANGES, people=people, before=before)
