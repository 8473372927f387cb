"""Work for people that no answer waits for: one person after the other, beside the requests."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from todo.beside import running
from todo.problems import Problem

_logger = logging.getLogger(__name__)


class Background:
    """Does one kind of work for whoever is noted. What fails is left until the person is noted again."""

    def __init__(self, work: Callable[[UUID], Awaitable[None]]) -> None:
        self._work = work
        self._waiting: dict[UUID, None] = {}
        self._has_some = asyncio.Event()

    def note(self, user_id: UUID) -> None:
        """Have the work done for a person soon, once, however often they are noted until then."""
        self._waiting[user_id] = None
        self._has_some.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work while open. What is left at the end is lost, so it has to be work that can be found again."""
        async with running(self._work_for_ever()):
            yield

    async def _work_for_ever(self) -> None:
        while True:
            await self._has_some.wait()
            user_id = next(iter(self._waiting))
            try:
                await self._work(user_id)
            except Problem as problem:
                _logger.warning("work beside the requests was given up: %s", problem.detail)
            except Exception:
                _logger.exception("work beside the requests failed")
            # Only now: whoever was noted meanwhile wanted what has just been done.
            del self._waiting[user_id]
            if not self._waiting:
                self._has_some.clear()
