"""The upkeep: what is due to go, goes; hourly while serving, or when somebody asks for it."""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from todo.database.engine import connect, open_pool
from todo.database.idempotency import forget_answers
from todo.database.provenance import BY_UPKEEP
from todo.database.transaction import Database
from todo.database.upkeep import pages_of_people, remove_ended_sign_in, sole_upkeep
from todo.database.url import DatabaseUrl
from todo.features.todos.service import PURGE_MAX, forget_changes, people_with_old_trash, todo_service
from todo.problems import CannotStart, Unavailable
from todo.settings import Limits

_logger = logging.getLogger(__name__)
_FIRST_PAUSE_SECONDS = 10.0
_PAUSE_SECONDS = 3600.0
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Upkeep:
    """What to keep up, and as whom: the owner sees everybody, the bound role acts for one person."""

    owner_url: DatabaseUrl = field(repr=False)
    app_url: DatabaseUrl = field(repr=False)
    auth_url: DatabaseUrl | None = field(repr=False)
    secret: bytes = field(repr=False)
    limits: Limits
    trash_kept_for: timedelta | None

    async def run(self) -> dict[str, int] | None:
        """Remove what is due and give how much of what; None when another upkeep of this database is at work.

        Raises `CannotStart` when the database is away.
        """
        try:
            async with connect(self.owner_url) as gate, sole_upkeep(gate) as is_ours:
                return dict(await self._remove()) if is_ours else None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable) as error:
            raise CannotStart(f"The upkeep was broken off and can be repeated: {error}") from error

    async def _remove(self) -> Counter[str]:
        now = datetime.now(UTC)
        removed = Counter({"todos": 0, "changes": 0, "kept answers": 0})
        async with AsyncExitStack() as stack:
            owner = await stack.enter_async_context(connect(self.owner_url))
            pool = await stack.enter_async_context(open_pool(self.app_url, size=1))
            database = Database(pool)
            async for people in pages_of_people(owner):
                if self.trash_kept_for:
                    before = now - self.trash_kept_for
                    for person in await people_with_old_trash(owner, people, before):
                        removed["todos"] += await self._purge(database, person, before)
                removed["changes"] += await forget_changes(owner, people, now)
                removed["kept answers"] += await forget_answers(owner, people)
        if self.auth_url:
            async with connect(self.auth_url) as auth:
                removed.update(await remove_ended_sign_in(auth))
        return removed

    async def _purge(self, database: Database, person: UUID, before: datetime) -> int:
        purged = 0
        while True:
            async with database.transaction(person, provenance=BY_UPKEEP) as transaction:
                count = await todo_service(transaction, self.secret, self.limits).purge_trash(before)
            purged += count
            if count < PURGE_MAX:
                return purged


@contextmanager
def hourly_upkeep(upkeep: Upkeep) -> Iterator[None]:
    """Keep up in a thread until the block ends: soon, and then every hour."""
    end: Future[None] = Future()
    work = threading.Thread(
        target=lambda: asyncio.run(_repeat_until(end, upkeep)), name="upkeep", daemon=True
    )
    work.start()
    try:
        yield
    finally:
        # What it has not committed yet is rolled back.
        end.set_result(None)
        work.join(_STOP_SECONDS)


async def _repeat_until(end: "Future[None]", upkeep: Upkeep) -> None:
    repeating = asyncio.create_task(_repeat(upkeep))
    await asyncio.wait([repeating, asyncio.wrap_future(end)], return_when=asyncio.FIRST_COMPLETED)


async def _repeat(upkeep: Upkeep) -> None:
    await asyncio.sleep(_FIRST_PAUSE_SECONDS)
    while True:
        try:
            removed = await upkeep.run() or {}
        except CannotStart as error:
            _logger.warning("%s", error)
        else:
            if any(removed.values()):
                _logger.info("removed %s", ", ".join(f"{count} {name}" for name, count in removed.items()))
        await asyncio.sleep(_PAUSE_SECONDS)
