"""Answers of keyed requests, kept in the transaction that did what they acknowledge."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import INTERVAL

from todo.database.engine import Connection
from todo.database.statements import Statement
from todo.database.tables import IdempotencyKey, Table
from todo.database.transaction import Transaction
from todo.database.upkeep import remove_in_batches

KEPT_FOR = timedelta(hours=24)

_KEY = Table.metadata.tables[str(IdempotencyKey.__tablename__)].c
_IS_MINE = _KEY.user_id == bindparam("user_id")
_IS_CURRENT = _KEY.created_at > func.now() - literal(KEPT_FOR, INTERVAL)

_CLAIM = Statement(
    select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("name"), 0)).label("is_ours"))
)
_FORGET = Statement(delete(IdempotencyKey).where(_IS_MINE, ~_IS_CURRENT))
_FORGET_OF = Statement(
    delete(IdempotencyKey).where(
        tuple_(_KEY.user_id, _KEY.key).in_(
            select(_KEY.user_id, _KEY.key)
            .where(_KEY.user_id == any_(bindparam("people", type_=ARRAY(Uuid))), ~_IS_CURRENT)
            .limit(bindparam("limit"))
        )
    )
)
_FIND = Statement(
    select(_KEY.fingerprint, _KEY.status, _KEY.headers, _KEY.body).where(
        _IS_MINE, _KEY.key == bindparam("key"), _IS_CURRENT
    )
)
_KEEP = Statement(
    insert(IdempotencyKey)
    .values(
        {name: bindparam(name) for name in ("user_id", "key", "fingerprint", "status", "headers", "body")}
    )
    .returning(_KEY.key)
)


# For a statement that does what a key stands for: nobody else is at it, and nobody has been.
CLAIMED = select(
    func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("key_name"), literal_column("0"))).label(
        "is_ours"
    )
).cte("claimed")
IS_NEW = ~select(_KEY.key).where(_KEY.key == bindparam("key"), _IS_MINE).exists()


def kept(written: CTE, body: ColumnElement[str]) -> CTE:
    """Give the part of a statement that keeps what it answers, once it has `written`."""
    names = ("fingerprint", "status", "headers")
    values = {name: bindparam(name, type_=_KEY[name].type) for name in ("key", *names)}
    answer = select(
        written.c.user_id, *values.values(), func.convert_to(body, literal_column("'UTF8'")).label("body")
    )
    return insert(IdempotencyKey).from_select(["user_id", *values, "body"], answer).cte("kept")


@dataclass(frozen=True)
class Keeping:
    """What is known beforehand of the answer that a keyed request will get."""

    key: str
    fingerprint: bytes
    status: int
    headers: dict[str, str]

    def values(self, user_id: UUID) -> dict[str, Any]:
        """Give the values of the parts of a statement that claims the key and keeps the answer."""
        return {
            "key_name": _name(user_id, self.key),
            "key": self.key,
            "fingerprint": self.fingerprint,
            "status": self.status,
            "headers": json.dumps(self.headers),
        }


def _name(user_id: UUID, key: str) -> str:
    return f"{user_id}/{key}"


@dataclass(frozen=True)
class KeptAnswer:
    """What a keyed request was answered, and what it had asked."""

    fingerprint: bytes
    status: int
    headers: dict[str, str]
    body: bytes


class KeptAnswers:
    """The answers of one person's keyed requests."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._user_id = transaction.user_id

    async def claim(self, key: str) -> bool:
        """Take the key until the transaction ends; false while another request has it."""
        row = await self._transaction.one(_CLAIM, name=_name(self._user_id, key))
        return row is not None and bool(row["is_ours"])

    async def find(self, key: str) -> KeptAnswer | None:
        """Give the answer that was kept under the key, unless it is too old."""
        row = await self._transaction.one(_FIND, user_id=self._user_id, key=key)
        if row is None:
            return None
        return KeptAnswer(row["fingerprint"], row["status"], json.loads(row["headers"]), row["body"])

    async def keep(self, key: str, answer: KeptAnswer) -> None:
        """Keep an answer under a key that was claimed; those that are too old go."""
        await self._transaction.rows(_FORGET, user_id=self._user_id)
        await self._transaction.one(
            _KEEP,
            user_id=self._user_id,
            key=key,
            fingerprint=answer.fingerprint,
            status=answer.status,
            headers=json.dumps(answer.headers),
            body=answer.body,
        )


async def forget_answers(owner: Connection, people: Sequence[UUID]) -> int:
    """Forget the answers of these people that are too old, and give how many there were."""
    return await remove_in_batches(owner, _FORGET_OF, people=people)
