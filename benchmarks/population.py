"""The people and todos that everything is measured on; the same for the same size."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from benchmarks.size import Size

_SEED = 20_26
# Younger than what the upkeep removes.
_SPREAD = timedelta(days=20)
_BURST = 3
_TEXT = """
water plants call mother buy milk book train fix bicycle answer letter read paper clean kitchen plan trip
Zahnarzt Brötchen Müll Überweisung cœur élève niño mañana żółw łódź ąę молоко книга письмо собака
δουλειά γάλα 牛乳 手紙 電話 会議 部屋 우유 전화 편지 حليب رسالة शब्द दूध
"""
_WORDS = _TEXT.split()
_PRIORITIES = ("low", "medium", "high", "urgent")
_PRIORITY_WEIGHTS = (1, 6, 2, 1)
_DESCRIBED, _COMPLETED, _TRASHED = 0.5, 0.3, 0.02


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    id: UUID
    session_id: UUID


class Row(NamedTuple):
    """One todo as it is stored, and who has it."""

    owner: int
    id: UUID
    title: str
    description: str | None
    priority: str
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    changes: int


class Population:
    """All people, the heavy user first, and their todos in the order they were made."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self._first = datetime.now(UTC) - _SPREAD
        random_numbers = random.Random(_SEED)  # noqa: S311  # to be the same each time
        self.people = [Person(_uuid4(random_numbers), _uuid4(random_numbers)) for _ in range(size.people)]

    def todos(self) -> Iterator[Row]:
        """Give every todo, oldest first: people come by again and again, and add a few each time."""
        random_numbers = random.Random(_SEED + 1)  # noqa: S311
        owners = self._visits(random_numbers)
        step = _SPREAD / (len(owners) + 1)
        for number, owner in enumerate(owners):
            yield _row(random_numbers, owner, number, self._first + number * step)

    def _visits(self, random_numbers: random.Random) -> list[int]:
        light, heavy = self.size.people - 1, self.size.heavy
        visits = [0] * (heavy // _BURST)
        visits += [1 + number % light for number in range((self.size.todos - heavy) // _BURST)]
        random_numbers.shuffle(visits)
        owners = [owner for owner in visits for _ in range(_BURST)]
        owners += [0] * (heavy - owners.count(0))
        return owners + [1 + number % light for number in range(self.size.todos - len(owners))]


def _row(random_numbers: random.Random, owner: int, number: int, created_at: datetime) -> Row:
    dice = random_numbers.random
    words = random_numbers.choices(_WORDS, k=4)
    long_text = " ".join(random_numbers.choices(_WORDS, k=12)) if dice() < _DESCRIBED else None
    completed_at = created_at + timedelta(hours=1) if dice() < _COMPLETED else None
    # The heavy user keeps everything, to have as many pages as can be.
    deleted_at = created_at + timedelta(hours=2) if owner and dice() < _TRASHED else None
    milliseconds = int(created_at.timestamp() * 1000)
    return Row(
        owner=owner,
        id=UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | random_numbers.getrandbits(62)),
        title=f"{' '.join(words)} {number}",
        description=long_text,
        priority=random_numbers.choices(_PRIORITIES, _PRIORITY_WEIGHTS)[0],
        completed_at=completed_at,
        created_at=created_at,
        updated_at=deleted_at or completed_at or created_at,
        deleted_at=deleted_at,
        changes=1 + bool(completed_at) + bool(deleted_at),
    )


def _uuid4(random_numbers: random.Random) -> UUID:
    return UUID(int=random_numbers.getrandbits(128), version=4)
