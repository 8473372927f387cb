"""How much data there is."""

import re
from dataclasses import dataclass

_UNITS = {"": 1, "K": 1_000, "M": 1_000_000}
_TODOS_OF_EACH = 100
# As many as a person may have.
_MOST_OF_ONE = 100_000


@dataclass(frozen=True)
class Size:
    """So many todos of so many people; one of them, the heavy user, has far more than the others."""

    todos: int

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Read `10k`, `1M`, `10M`."""
        match = re.fullmatch(r"(\d+)([KM]?)", text.upper())
        if match is None or int(match[1]) * _UNITS[match[2]] < _TODOS_OF_EACH:
            raise ValueError(f"{text!r} is no size: write a number of todos from 100 on, such as 10k or 1M")
        return cls(int(match[1]) * _UNITS[match[2]])

    @property
    def people(self) -> int:
        """How many people have them."""
        return max(2, self.todos // _TODOS_OF_EACH)

    @property
    def heavy(self) -> int:
        """How many of them the heavy user has."""
        return min(_MOST_OF_ONE, self.todos // 10)
