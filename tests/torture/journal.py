"""What writers were told about their writes, to be compared with what is stored."""

from dataclasses import dataclass
from typing import Any

import httpx2

from tests.e2e.waiting import until
from tests.factories import Person

_LONGEST_SILENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """How one request was answered: whose, when, after how long, and by what."""

    writer: int
    at: float
    seconds: float
    status: int
    code: str
    says_when_to_retry: bool

    @classmethod
    def of(cls, response: httpx2.Response, writer: int, asked_at: float, at: float) -> "Answer":
        code = "" if response.is_success else response.json()["error_code"]
        return cls(writer, at, at - asked_at, response.status_code, code, "retry-after" in response.headers)

    @property
    def is_success(self) -> bool:
        return self.status in {200, 201}

    @property
    def is_in_flight(self) -> bool:
        """Whether a retry came while its first try was still being worked on."""
        return self.code == "request_in_flight"

    @property
    def may_be_retried(self) -> bool:
        """Whether it says: not now."""
        return self.status == httpx2.codes.SERVICE_UNAVAILABLE or self.is_in_flight


@dataclass
class TodoState:
    """A todo, as a writer was told it is or as it is stored; its version counts its writes."""

    id: str
    title: str
    description: str | None
    is_completed: bool
    version: int

    @classmethod
    def of(cls, todo: dict[str, Any]) -> "TodoState":
        return cls(str(todo["id"]), todo["title"], todo["description"], todo["is_completed"], todo["version"])


class Journal:
    """What the writers of one storm were told."""

    def __init__(self, persons: list[Person]) -> None:
        self.persons = persons
        self.todos: dict[str, TodoState] = {}
        self.answers: list[Answer] = []
        self.cut = 0
        self.unanswered = 0

    @property
    def writes(self) -> int:
        """How many writes were acknowledged."""
        return sum(todo.version for todo in self.todos.values())

    async def until_written(self, more: int) -> None:
        """Wait until so many more requests have succeeded."""
        seen, missing = len(self.answers), more

        def is_enough() -> bool:
            nonlocal seen, missing
            missing -= sum(answer.is_success for answer in self.answers[seen:])
            seen = len(self.answers)
            return missing <= 0

        await until(is_enough, f"{more} more writes", seconds=_LONGEST_SILENCE_SECONDS)

    async def recovery(self, moment: float) -> tuple[float, float]:
        """Give the seconds from a moment until one writer, and until all, had success with a new request."""
        recovered: dict[int, float] = {}
        seen = 0

        def have_all() -> bool:
            nonlocal seen
            for answer in self.answers[seen:]:
                if answer.is_success and answer.at - answer.seconds >= moment:
                    recovered.setdefault(answer.writer, answer.at - moment)
            seen = len(self.answers)
            return len(recovered) == len(self.persons)

        await until(have_all, "all writers succeed again", seconds=_LONGEST_SILENCE_SECONDS)
        return min(recovered.values()), max(recovered.values())
