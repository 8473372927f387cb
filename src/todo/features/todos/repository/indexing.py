"""Putting a person's todos into the index that searches use, beside people at work."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import Record
from sqlalchemy import (
    ARRAY,
    BigInteger,
    LargeBinary,
    Select,
    Text,
    Uuid,
    bindparam,
    column,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from todo.database.statements import Statement
from todo.database.tables import Table, User
from todo.database.transaction import Transaction
from todo.features.todos.models import IndexedTodo, TodoWord
from todo.features.todos.repository.columns import CHANGE, TODO, USER
from todo.features.todos.repository.keys import keys_of
from todo.features.todos.repository.places import BLOCK, block_of, packed, unpacked
from todo.features.todos.repository.search import CHANGED_SINCE, LEFT_KEY, extent

# The person's writers wait while as many are put in, a tenth of a second.
_AT_ONCE = 2_000
_WORDS_AT_ONCE = 10_000

_WORD = Table.metadata.tables[str(TodoWord.__tablename__)].c
_INDEXED = Table.metadata.tables[str(IndexedTodo.__tablename__)].c
_USER_ID = bindparam("user_id", type_=Uuid)
_IS_ME = USER.id == _USER_ID

_LOCK = Statement(select(USER.indexed_seq).where(_IS_ME).with_for_update(key_share=True))
_LEAVE = Statement(
    delete(IndexedTodo)
    .where(
        _INDEXED.user_id == _USER_ID,
        _INDEXED.id.in_(
            # Ordered, so that it is read by its key.
            select(CHANGE.todo_id)
            .where(
                CHANGE.user_id == _USER_ID,
                CHANGE.seq > bindparam("after", type_=BigInteger),
                CHANGE.seq <= bindparam("upto", type_=BigInteger),
            )
            .order_by(CHANGE.seq)
        ),
    )
    .returning(_INDEXED.change_seq)
)


def _rows(**types: type[TypeEngine[Any]] | TypeEngine[Any]) -> Select[Any]:
    """Give rows of the owner's from arrays, one for each of their columns."""
    columns = [column(name, kind) for name, kind in types.items()]
    arrays = (bindparam(name, type_=ARRAY(kind)) for name, kind in types.items())
    incoming = func.unnest(*arrays).table_valued(*columns).render_derived(name="incoming")
    return select(_USER_ID, *incoming.c)


def _entered() -> Statement:
    entry = postgresql.insert(IndexedTodo).from_select(
        ["user_id", "id", "change_seq"], _rows(id=Uuid, change_seq=BigInteger)
    )
    return Statement(
        entry.on_conflict_do_update(
            index_elements=["user_id", "id"], set_={"change_seq": entry.excluded.change_seq}
        )
    )


def _written() -> Statement:
    piece = postgresql.insert(TodoWord).from_select(
        ["user_id", "block", "word", "places"], _rows(block=BigInteger, word=Text, places=LargeBinary)
    )
    return Statement(
        piece.on_conflict_do_update(
            index_elements=["user_id", "block", "word"],
            set_={"places": _WORD.places.op("||")(piece.excluded.places)},
        )
    )


_ENTER = _entered()
_WRITE = _written()
_REACH = Statement(update(User).where(_IS_ME).values(indexed_seq=bindparam("upto")))
_FORGET = (
    Statement(delete(TodoWord).where(_WORD.user_id == _USER_ID)),
    Statement(delete(IndexedTodo).where(_INDEXED.user_id == _USER_ID)),
)
_USED = (
    select(func.count())
    .where(
        TODO.user_id == _USER_ID,
        TODO.change_seq.between(_WORD.block * BLOCK, _WORD.block * BLOCK + BLOCK - 1),
    )
    .scalar_subquery()
)
_BLOCKS = Statement(
    select(_WORD.block, _WORD.places.label("left"), _USED.label("used"))
    .where(_WORD.user_id == _USER_ID, _WORD.word == LEFT_KEY)
    .order_by(_WORD.block)
)
_CLEAR = Statement(delete(TodoWord).where(_WORD.user_id == _USER_ID, _WORD.block == bindparam("block")))


@dataclass(frozen=True)
class Entries:
    """What is written next: where todos are, and the rows of the index; see `Batch` for the rest."""

    instead_of: int
    after: int
    upto: int
    renewed: int | None
    places: Sequence[tuple[UUID, int]]
    words: Sequence[tuple[int, str, bytes]]


@dataclass(frozen=True)
class Batch:
    """Todos to be put in next, and from where to where these are all that changed.

    The index reached to `instead_of`; it is made anew if they are the first. Or all todos of one block, which
    is `renewed`.
    """

    instead_of: int
    after: int
    upto: int
    rows: Sequence[Record]
    renewed: int | None = None

    def entries(self) -> Entries:
        """Take their words apart, of as many as may be written at once; a block is renewed in one piece."""
        found: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
        places: list[tuple[UUID, int]] = []
        for row in self.rows:
            place = row["change_seq"]
            places.append((row["id"], place))
            for key in keys_of(row):
                found[block_of(place), key].append(place)
            if len(found) >= _WORDS_AT_ONCE and self.renewed is None:
                break
        upto = self.upto if len(places) == len(self.rows) else places[-1][1]
        # In their order in the index, so that they lie together.
        words = [(block, key, packed(found[block, key])) for block, key in sorted(found)]
        return Entries(self.instead_of, self.after, upto, self.renewed, places, words)


class TodoIndex:
    """The index of one owner."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._owner_id = transaction.user_id

    async def next_batch(self) -> Batch | None:
        """Give what is to go in next, if anything; in a transaction that sees a single snapshot."""
        reach = await extent(self._transaction)
        if reach.indexed_seq == reach.change_seq:
            return await self._to_renew(reach.indexed_seq)
        rows = await self._transaction.rows(
            CHANGED_SINCE, user_id=self._owner_id, after=reach.indexed_seq, limit=_AT_ONCE
        )
        upto = reach.change_seq if len(rows) < _AT_ONCE else rows[-1]["change_seq"]
        return Batch(reach.written_seq, reach.indexed_seq, upto, rows)

    async def _to_renew(self, reached: int) -> Batch | None:
        """Give the todos of a block of which more places have been left than are in use, if there is one."""
        for row in await self._transaction.rows(_BLOCKS, user_id=self._owner_id):
            if unpacked(row["left"]).bit_count() > row["used"]:
                before = row["block"] * BLOCK - 1
                rows = await self._transaction.rows(
                    CHANGED_SINCE, user_id=self._owner_id, after=before, limit=row["used"]
                )
                return Batch(reached, reached, reached, rows, renewed=row["block"])
        return None

    async def put_in(self, entries: Entries) -> bool:
        """Put todos in and say whether that was done, or somebody else was faster."""
        row = await self._transaction.one(_LOCK, user_id=self._owner_id)
        if row is None or row["indexed_seq"] != entries.instead_of:
            return False
        if entries.renewed is not None:
            await self._transaction.rows(_CLEAR, user_id=self._owner_id, block=entries.renewed)
            await self._write(entries.words)
            return True
        if entries.after == 0:
            for statement in _FORGET:
                await self._transaction.rows(statement, user_id=self._owner_id)
        left = await self._transaction.rows(
            _LEAVE, user_id=self._owner_id, after=entries.after, upto=entries.upto
        )
        await self._transaction.rows(
            _ENTER,
            user_id=self._owner_id,
            id=[todo_id for todo_id, _ in entries.places],
            change_seq=[place for _, place in entries.places],
        )
        await self._write([*entries.words, *_left(row["change_seq"] for row in left)])
        await self._transaction.rows(_REACH, user_id=self._owner_id, upto=entries.upto)
        return True

    async def _write(self, words: Sequence[tuple[int, str, bytes]]) -> None:
        for start in range(0, len(words), _WORDS_AT_ONCE):
            some = words[start : start + _WORDS_AT_ONCE]
            await self._transaction.rows(
                _WRITE,
                user_id=self._owner_id,
                block=[block for block, _, _ in some],
                word=[word for _, word, _ in some],
                places=[places for _, _, places in some],
            )


def _left(places: Iterable[int]) -> list[tuple[int, str, bytes]]:
    blocks: defaultdict[int, list[int]] = defaultdict(list)
    for place in places:
        blocks[block_of(place)].append(place)
    return [(block, LEFT_KEY, packed(blocks[block])) for block in sorted(blocks)]
