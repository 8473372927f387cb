"""Writers who go on until they are told that their write is stored."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2

from tests.e2e.people import People
from tests.e2e.product import Product
from tests.factories import Person
from tests.torture.journal import Answer, Journal, TodoState

_WRITERS = 8
_RETRY_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 60.0
# Of five writes of a writer, one changes the todo that was made before it, and one completes it.
_ROUND = ("create", "create", "create", "describe", "complete")


@asynccontextmanager
async def writing(product: Product, people: People, *, keyed: bool = True) -> AsyncIterator[Journal]:
    """Let people write, each as fast as they are answered, until the block ends; give their journal."""
    accounts = [await people.newcomer(product) for _ in range(_WRITERS)]
    journal = Journal([await account.person() for account in accounts])
    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for number, person in enumerate(journal.persons):
            tasks.create_task(_Writer(number, person, journal, is_over, keyed=keyed).write())
        try:
            yield journal
        finally:
            is_over.set()


class _Writer:
    def __init__(
        self, number: int, person: Person, journal: Journal, is_over: asyncio.Event, *, keyed: bool
    ) -> None:
        self._number = number
        self._person = person
        self._journal = journal
        self._is_over = is_over
        self._keyed = keyed
        self._last: TodoState | None = None
        self._count = 0

    async def write(self) -> None:
        for act in itertools.cycle(_ROUND):
            if self._is_over.is_set():
                return
            self._count += 1
            if act == "create" or self._last is None:
                await self._create(f"{self._number}/{self._count}")
            elif act == "describe":
                path = f"/api/todos/{self._last.id}"
                await self._until_told("PATCH", path, json={"description": f"As of {self._count}"})
            else:
                await self._until_told("PATCH", f"/api/todos/{self._last.id}/complete")

    async def _create(self, title: str) -> None:
        headers = {"idempotency-key": uuid4().hex} if self._keyed else {}
        self._last = await self._until_told("POST", "/api/todos", json={"title": title}, headers=headers)

    async def _until_told(self, method: str, path: str, **options: Any) -> TodoState | None:
        """Send it until it succeeds, the end of the storm or not; give up what is refused for good."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer, todo = await self._send(method, path, **options)
            if todo is not None:
                self._journal.todos[todo.id] = todo
                return todo
            if answer is not None and not answer.may_be_retried:
                return None
            await asyncio.sleep(_RETRY_PAUSE_SECONDS)
        raise TimeoutError(f"{method} {path} has not succeeded for {_PATIENCE_SECONDS} s")

    async def _send(self, method: str, path: str, **options: Any) -> tuple[Answer | None, TodoState | None]:
        asked_at = time.monotonic()
        try:
            response = await self._person.request(method, path, **options)
        except httpx2.TimeoutException:
            self._journal.unanswered += 1
            return None, None
        except httpx2.TransportError:
            self._journal.cut += 1
            return None, None
        answer = Answer.of(response, self._number, asked_at, time.monotonic())
        self._journal.answers.append(answer)
        return answer, TodoState.of(response.json()) if answer.is_success else None
