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
    """What is searched for: words, all of them, and of each set of states or priorities one."""

    words: Sequence[str]
    facets: Sequence[Collection[str]]

    @classmethod
    def of(cls, text: str, status: TodoStatus, priorities: Collection[Priority]) -> "Question":
        """Read what somebody asks; without a word in it there is nothing to search for."""
        facets = [{_STAR + status}]
        if priorities:
            facets.append({_STAR + priority for priority in priorities})
        return cls(wanted(text), facets)

    def is_answered_by(self, row: Any) -> bool:
        """Whether a todo is found."""
        facets = _facets_of(row)
        return all(facets & set(one) for one in self.facets) and is_found(_text_of(row), self.words)

    def ranges(self) -> list[tuple[int, str, str]]:
        """Give the keys it asks for: from one to before another, with the number of their condition."""
        exact = [*self.facets, *({word + _STAR} for word in self.words if len(word) <= _SHORT)]
        ranges = [(number, key, key + "\1") for number, keys in enumerate(exact) for key in sorted(keys)]
        longer = [word for word in self.words if len(word) > _SHORT]
        return ranges + [(len(exact) + number, word, word + LAST) for number, word in enumerate(longer)]


def _text_of(row: Any) -> str:
    return row["title"] if row["description"] is None else f"{row['title']}\n{row['description']}"


def _facets_of(row: Any) -> set[str]:
    priority = _STAR + row["priority"]
    if row["deleted_at"] is not None:
        return {priority, _STAR + TodoStatus.DELETED}
    state = TodoStatus.ACTIVE if row["completed_at"] is None else TodoStatus.COMPLETED
    return {priority, _STAR + TodoStatus.ALL, _STAR + state}
