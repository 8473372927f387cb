"""API keys as requests need them: found by their digest, and marked as used."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from todo.database.statements import Statement
from todo.database.tables import ApiKeyRow, Table
from todo.database.transaction import Transaction

_KEY = Table.metadata.tables[str(ApiKeyRow.__tablename__)].c
_IS_MINE = _KEY.user_id == bindparam("user_id")
_IS_CURRENT = _KEY.expires_at.is_(None) | (_KEY.expires_at > func.now())

_FIND = Statement(
    select(_KEY.id, _KEY.name, _KEY.scopes).where(_IS_MINE, _KEY.digest == bindparam("digest"), _IS_CURRENT)
)
_TOUCH = Statement(
    update(ApiKeyRow)
    .where(_IS_MINE, _KEY.id == bindparam("key_id"))
    .values(last_used_at=func.now())
    .returning(_KEY.id)
)


@dataclass(frozen=True)
class KnownKey:
    """What is known of a key that holds."""

    id: UUID
    name: str
    scopes: frozenset[str]


async def find_key(transaction: Transaction, digest: bytes) -> KnownKey | None:
    """Give the person's key with this digest, unless it has expired or was revoked."""
    row = await transaction.one(_FIND, user_id=transaction.user_id, digest=digest)
    return None if row is None else KnownKey(row["id"], row["name"], frozenset(row["scopes"]))


async def touch_key(transaction: Transaction, key_id: UUID) -> None:
    """Note that a key was used just now."""
    await transaction.one(_TOUCH, user_id=transaction.user_id, key_id=key_id)
