"""The queries on one person's API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.dialects import postgresql

from todo.database.statements import Statement
from todo.database.tables import ApiKeyRow, Table, User
from todo.database.transaction import Transaction
from todo.features.keys.schemas import KeyRead

_KEY = Table.metadata.tables[str(ApiKeyRow.__tablename__)].c
_SHOWN = tuple(_KEY[name] for name in KeyRead.model_fields)
_STORED = ("user_id", "id", "name", "digest", "hint", "scopes", "created_at", "expires_at")
_IS_MINE = _KEY.user_id == bindparam("user_id")

# Locks the person's row, so that two at once cannot both be the last that is allowed.
_MEET = Statement(
    postgresql.insert(User)
    .values(id=bindparam("user_id"))
    .on_conflict_do_update(index_elements=["id"], set_={"id": bindparam("user_id")})
    .returning(func.clock_timestamp().label("at"))
)
_COUNT = Statement(select(func.count().label("count")).where(_IS_MINE))
_ADD = Statement(insert(ApiKeyRow).values({name: bindparam(name) for name in _STORED}).returning(*_SHOWN))
_LIST = Statement(select(*_SHOWN).where(_IS_MINE).order_by(_KEY.created_at.desc(), _KEY.id.desc()))
_REMOVE = Statement(delete(ApiKeyRow).where(_IS_MINE, _KEY.id == bindparam("key_id")).returning(_KEY.id))


class KeyRepository:
    """The API keys of one owner; it cannot ask about anybody else's."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.owner_id = transaction.user_id

    async def begin(self) -> datetime:
        """Begin to add: from here to the commit nobody else adds for this owner. Gives the time."""
        row = await self._transaction.one(_MEET, user_id=self.owner_id)
        if row is None:
            raise RuntimeError("an upsert returns its row")
        at: datetime = row["at"]
        return at

    async def count(self) -> int:
        """Give how many keys the owner has."""
        row = await self._transaction.one(_COUNT, user_id=self.owner_id)
        return 0 if row is None else int(row["count"])

    async def add(self, key: ApiKeyRow) -> KeyRead:
        """Store a new key."""
        row = await self._transaction.one(_ADD, **{name: getattr(key, name) for name in _STORED})
        if row is None:
            raise RuntimeError("a write returns its row")
        return KeyRead.model_validate(dict(row))

    async def all(self) -> list[KeyRead]:
        """Give the owner's keys, the newest first."""
        rows = await self._transaction.rows(_LIST, user_id=self.owner_id)
        return [KeyRead.model_validate(dict(row)) for row in rows]

    async def remove(self, key_id: UUID) -> bool:
        """Remove a key; false when the owner has none of this id."""
        return await self._transaction.one(_REMOVE, user_id=self.owner_id, key_id=key_id) is not None
