"""Removing what is due, of everybody: a little at a time, so that nobody waits for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text

from todo.database.engine import Connection
from todo.database.statements import Statement
from todo.database.tables import Table, User

BATCH_ROWS = 1_000
_PAGE_PEOPLE = 1_000
_LOCK = 7_364_512

_USER = Table.metadata.tables[str(User.__tablename__)].c
_PEOPLE = Statement(
    select(_USER.id).where(_USER.id > bindparam("after")).order_by(_USER.id).limit(bindparam("limit"))
)

# Rows that somebody holds just now are left for the next time.
_ENDED = {
    "sessions": Statement(
        text(
            'DELETE FROM auth.session WHERE id IN (SELECT id FROM auth.session WHERE "expiresAt" < now()'
            " LIMIT :limit FOR UPDATE SKIP LOCKED)"
        )
    ),
    "verifications": Statement(
        text(
            "DELETE FROM auth.verification WHERE id IN (SELECT id FROM auth.verification"
            ' WHERE "expiresAt" < now() LIMIT :limit FOR UPDATE SKIP LOCKED)'
        )
    ),
    # Their windows are seconds; the time is in milliseconds.
    "counts of attempts": Statement(
        text(
            'DELETE FROM auth."rateLimit" WHERE id IN (SELECT id FROM auth."rateLimit"'
            " WHERE \"lastRequest\" < extract(epoch FROM now() - interval '1 day') * 1000"
            " LIMIT :limit FOR UPDATE SKIP LOCKED)"
        )
    ),
}


@asynccontextmanager
async def sole_upkeep(owner: Connection) -> AsyncIterator[bool]:
    """Say whether nobody else keeps this database up; if so, nobody begins to until the block ends."""
    async with owner.transaction():
        await owner.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield bool(await owner.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK))


async def pages_of_people(owner: Connection) -> AsyncIterator[list[UUID]]:
    """Give everybody, a thousand at a time."""
    after = UUID(int=0)
    while rows := await owner.fetch(_PEOPLE.sql, *_PEOPLE.arguments({"after": after, "limit": _PAGE_PEOPLE})):
        people: list[UUID] = [row["id"] for row in rows]
        yield people
        after = people[-1]


async def remove_in_batches(connection: Connection, deletion: Statement, **values: Any) -> int:
    """Repeat a deletion that takes a `limit` until it finds no more, and give how many rows went.

    Each time is a short transaction of its own, and one that would have to wait for a lock gives up soon.
    """
    arguments = deletion.arguments(values | {"limit": BATCH_ROWS})
    removed = 0
    while True:
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = '1s'")
            status = await connection.execute(deletion.sql, *arguments)
        count = int(status.removeprefix("DELETE "))
        removed += count
        if count < BATCH_ROWS:
            return removed


async def remove_ended_sign_in(auth: Connection) -> dict[str, int]:
    """Remove what the auth server will not look at again, and give how many of what."""
    if await auth.fetchval("SELECT to_regclass('auth.session') IS NULL"):
        return {}
    return {name: await remove_in_batches(auth, deletion) for name, deletion in _ENDED.items()}
