"""The pipelined connections of a worker: as few as are enough."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from todo.database.wire import Row

if TYPE_CHECKING:
    from todo.database.pipeline import Pipeline


class Pipelines:
    """Connects on first use, and once more where whoever is first on each connection has waited long.

    Up to `at_ease` of them, once more where anybody waits; the others are used only while those are held up,
    for what comes together on few costs less.
    """

    def __init__(
        self,
        dial: Callable[[], Awaitable["Pipeline"]],
        *,
        size: int,
        long_seconds: float,
        at_ease: int = 1,
        on_change: Callable[[int], None] = lambda _open: None,
    ) -> None:
        self._dial = dial
        self._size = size
        self._long_seconds = long_seconds
        self._at_ease = at_ease
        self._on_change = on_change
        self._open: list[Pipeline] = []
        self._opening: asyncio.Task[None] | None = None

    async def ask(self, sql: str, values: Sequence[Any], *, timeout: float) -> Row | None:  # noqa: ASYNC109  # as the pool has it
        """Give the first row of a statement that is a transaction of its own, or nothing.

        Raises `TimeoutError` when no connection can be made in time, and what `Pipeline.ask` does.
        """
        pipeline = self._best() or await self._opened_soon(timeout)
        return await pipeline.ask(sql, values)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._opening is not None:
            self._opening.cancel()
        for pipeline in self._open[:]:
            pipeline.close()

    def _best(self) -> "Pipeline | None":
        best = min(self._open[: self._at_ease], key=_burden, default=None)
        if best is None or not best.waiting:
            return best
        if self._is_held_up(best):
            best = min(self._open, key=self._cost)
        if self._opening is not None or len(self._open) >= self._size:
            return best
        return None if len(self._open) < self._at_ease or self._is_held_up(best) else best

    def _cost(self, pipeline: "Pipeline") -> tuple[bool, int]:
        return self._is_held_up(pipeline), pipeline.waiting

    def _is_held_up(self, pipeline: "Pipeline") -> bool:
        return bool(pipeline.waiting) and pipeline.delay_seconds >= self._long_seconds

    async def _opened_soon(self, seconds: float) -> "Pipeline":
        async with asyncio.timeout(seconds):
            while (pipeline := self._best()) is None:
                # Whoever comes meanwhile and has none waits for the same.
                if self._opening is None:
                    self._opening = asyncio.create_task(self._open_another())
                try:
                    await asyncio.shield(self._opening)
                except ConnectionError:
                    # The database may have no room for another: then one that is held up has to do.
                    if (pipeline := min(self._open, key=self._cost, default=None)) is None:
                        raise
                    break
        return pipeline

    async def _open_another(self) -> None:
        try:
            pipeline = await self._dial()
        finally:
            self._opening = None
        pipeline.on_close = functools.partial(self._forget, pipeline)
        self._open.append(pipeline)
        self._on_change(len(self._open))

    def _forget(self, pipeline: "Pipeline") -> None:
        self._open.remove(pipeline)
        self._on_change(len(self._open))


def _burden(pipeline: "Pipeline") -> int:
    return pipeline.waiting
