"""The queries on who changed what of one person's todos."""

import functools
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, any_, bindparam, func, select

from todo.database.statements import Statement
from todo.database.tables import Table
from todo.database.transaction import Transaction
from todo.features.activity.rules import Recorded
from todo.features.activity.schemas import ActivityEntry, ActivityWanted, ChangeMade, Moment
from todo.features.todos.models import TodoChange
from todo.features.todos.schemas import TodoFields, TodoRead

_CHANGES = Table.metadata.tables[str(TodoChange.__tablename__)]
_CHANGE = _CHANGES.c
_LAST = 2**63 - 1
_IS_MINE = _CHANGE.user_id == bindparam("user_id")
_MADE = tuple(_CHANGE[name] for name in ChangeMade.model_fields)
_RECORDED = (*_MADE, _CHANGE.todo_id, _CHANGE.before, _CHANGE.undoes)
_NEWEST_FIRST = _CHANGE.seq.desc()

_other = _CHANGES.alias("other")
_IS_MINE_TOO = _other.c.user_id == bindparam("user_id")
# Places follow times, so looking back ends at the first change that is older.
_older = (
    select(_other.c.seq)
    .where(_IS_MINE_TOO, _other.c.at < bindparam("since", type_=_CHANGE.at.type))
    .order_by(_other.c.seq.desc())
    .limit(1)
    .subquery()
)
# Its default stands within: under row-level security no index is asked for a `coalesce` around it.
_IS_SINCE = _CHANGE.seq > select(func.coalesce(func.max(_older.c.seq), 0)).scalar_subquery()
# The changes of an action have no others between them.
_action = bindparam("action", type_=BigInteger)
_next = (
    select(_other.c.seq)
    .where(_IS_MINE_TOO, _other.c.seq > _action, _other.c.action.is_distinct_from(_action))
    .order_by(_other.c.seq)
    .limit(1)
    .subquery()
)
_IS_BEFORE_NEXT = _CHANGE.seq < select(func.coalesce(func.min(_next.c.seq), _LAST)).scalar_subquery()
_OF_ACTION = Statement(
    select(*_RECORDED)
    .where(
        _IS_MINE,
        _CHANGE.seq >= _action,
        _IS_BEFORE_NEXT,
        _CHANGE.action == _action,
    )
    .order_by(_NEWEST_FIRST)
    .limit(bindparam("limit"))
)
_OF_CLIENT = Statement(
    select(*_RECORDED)
    .where(_IS_MINE, _IS_SINCE, _CHANGE.client == bindparam("client"))
    .order_by(_NEWEST_FIRST)
    .limit(bindparam("limit"))
)
_HISTORY = Statement(
    select(*_RECORDED)
    .where(
        _IS_MINE,
        _CHANGE.todo_id == any_(bindparam("todo_ids", type_=ARRAY(Uuid))),
        _CHANGE.seq >= bindparam("first"),
    )
    .order_by(_CHANGE.seq)
)


@functools.cache
def _page(by_client: bool, by_todo: bool, is_since: bool) -> Statement:  # noqa: FBT001  # a cache key
    query = select(*_RECORDED, _CHANGE.todo).where(_IS_MINE, _CHANGE.seq < bindparam("before_seq"))
    if by_client:
        query = query.where(_CHANGE.client == bindparam("client"))
    if by_todo:
        query = query.where(_CHANGE.todo_id == bindparam("todo_id"))
    if is_since:
        query = query.where(_IS_SINCE)
    return Statement(query.order_by(_NEWEST_FIRST).limit(bindparam("limit")))


class ActivityRepository:
    """What was changed of one owner's todos; it cannot ask about anybody else's."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.owner_id = transaction.user_id

    async def find(self, wanted: ActivityWanted, before: int | None) -> tuple[list[ActivityEntry], bool]:
        """Give a page before a place in the sequence, the newest first, and whether more follow."""
        shape = (wanted.client is not None, wanted.todo_id is not None, wanted.since is not None)
        rows = await self._transaction.rows(
            _page(*shape),
            user_id=self.owner_id,
            client=wanted.client,
            todo_id=wanted.todo_id,
            since=wanted.since,
            before_seq=_LAST if before is None else before,
            limit=wanted.limit + 1,
        )
        return [_entry(dict(row)) for row in rows[: wanted.limit]], len(rows) > wanted.limit

    async def of_action(self, action: int, limit: int) -> list[Recorded]:
        """Give the changes of an action, the newest first."""
        return _recorded(
            await self._transaction.rows(_OF_ACTION, user_id=self.owner_id, action=action, limit=limit)
        )

    async def of_client(self, client: str, since: Moment, limit: int) -> list[Recorded]:
        """Give what a client has changed since then, the newest first."""
        values = {"client": client, "since": since, "limit": limit}
        return _recorded(await self._transaction.rows(_OF_CLIENT, user_id=self.owner_id, **values))

    async def history(self, todo_ids: Collection[UUID], first: int) -> list[Recorded]:
        """Give all changes of some todos from a place in the sequence on, in order."""
        values = {"todo_ids": list(todo_ids), "first": first}
        return _recorded(await self._transaction.rows(_HISTORY, user_id=self.owner_id, **values))


def _entry(row: dict[str, Any]) -> ActivityEntry:
    todo = TodoRead.model_validate_json(row["todo"]) if row["todo"] else None
    return ActivityEntry(**row | {"todo": todo, "before": _before(row)})


def _recorded(rows: Iterable[Any]) -> list[Recorded]:
    return [
        Recorded(ChangeMade.model_validate(dict(row)), row["todo_id"], _before(row), row["undoes"])
        for row in rows
    ]


def _before(row: Any) -> TodoFields | None:
    return TodoFields.model_validate_json(row["before"]) if row["before"] else None
