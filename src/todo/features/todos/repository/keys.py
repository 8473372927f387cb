"""Under which keys a todo stands in the index, and which keys a search asks for.

Besides the beginnings of its words there are the first one and two letters of each, which are asked for while
somebody types and would otherwise be the sum of very many; and its state and priority. What is no beginning
has a star, which is in no word.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from todo.features.todos.models import Priority
from todo.features.todos.repository.words import LAST, beginnings, is_found, wanted
from todo.features.todos.schemas import TodoStatus

_SHORT = 2
_STAR = "*"
UNWANTED = -1


def keys_of(row: Any) -> set[str]:
    """Give the keys a todo stands under."""
    keys = _facets_of(row)
    for one in beginnings(_text_of(row)):
        keys.update(one[:length] + _STAR for length in range(1, min(_SHORT, len(one)) + 1))
        if len(one) > _SHORT:
            keys.add(one)
    return keys


@dataclass(frozen=True)
class Question:
    """What is searched for: words, all of them, of each set of states or priorities one, nothing unwanted."""

    words: Sequence[str]
    facets: Sequence[Collection[str]]
    unwanted: Collection[str]

    @classmethod
    def of(cls, text: str, status: TodoStatus, priorities: Collection[Priority]) -> "Question":
        """Read what somebody asks; without a word in it there is nothing to search for."""
        is_live = status is TodoStatus.ALL
        facets = [] if is_live else [{_STAR + status}]
        if priorities:
            facets.append({_STAR + priority for priority in priorities})
        return cls(wanted(text), facets, {_STAR + TodoStatus.DELETED} if is_live else ())

    @property
    def condition_count(self) -> int:
        """How many conditions there are, all of which have to be met."""
        return len(self.facets) + len(self.words)

    def is_answered_by(self, row: Any) -> bool:
        """Whether a todo is found."""
        if not is_found(_text_of(row), self.words):
            return False
        facets = _facets_of(row)
        return all(map(facets.intersection, self.facets)) and facets.isdisjoint(self.unwanted)

    def ranges(self) -> list[tuple[int, str, str]]:
        """Give the keys it asks for: from one to before another, with the number of their condition.

        Those of what is unwanted have that of no condition, `UNWANTED`.
        """
        exact = [*self.facets, *({word + _STAR} for word in self.words if len(word) <= _SHORT)]
        longer = [word for word in self.words if len(word) > _SHORT]
        numbered = [*enumerate(exact), *((UNWANTED, {key}) for key in self.unwanted)]
        return [
            *((number, key, key + "\1") for number, keys in numbered for key in sorted(keys)),
            *((len(exact) + number, word, word + LAST) for number, word in enumerate(longer)),
        ]


def _text_of(row: Any) -> str:
    return row["title"] if row["description"] is None else f"{row['title']} {row['description']}"


def _facets_of(row: Any) -> set[str]:
    priority = _STAR + row["priority"]
    if row["deleted_at"] is not None:
        return {priority, _STAR + TodoStatus.DELETED}
    state = TodoStatus.ACTIVE if row["completed_at"] is None else TodoStatus.COMPLETED
    return {priority, _STAR + state}
