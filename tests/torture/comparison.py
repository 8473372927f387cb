"""Compares what was acknowledged with what is stored, asked of the database and of the API."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from tests.factories import Person
from tests.torture.figures import Figure, none
from tests.torture.journal import Journal, TodoState
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

_STORED = """
SELECT id, title, description, completed_at IS NOT NULL AS is_completed, version
  FROM todos WHERE user_id = ANY($1::uuid[])
"""


@dataclass(frozen=True)
class Difference:
    """How many acknowledged writes are not there, and how many writes are there twice."""

    lost: int
    twice: int


async def compare(journal: Journal, owner_url: DatabaseUrl) -> Difference:
    """Compare with the tables, read as their owner."""
    subjects = [UUID(person.subject) for person in journal.persons]
    async with connect(owner_url) as owner:
        rows = await owner.fetch(_STORED, subjects)
    return _difference(journal, [TodoState.of(dict(row)) for row in rows])


async def compare_listed(journal: Journal) -> Difference:
    """Compare with what the API lists to the writers."""
    return _difference(journal, [todo for person in journal.persons for todo in await _list(person)])


def differences(stored: Difference, listed: Difference) -> list[Figure]:
    return [
        none("acknowledged writes lost, in the database", stored.lost),
        none("acknowledged writes lost, in the API's lists", listed.lost),
        none("writes done twice, in the database", stored.twice),
        none("writes done twice, in the API's lists", listed.twice),
    ]


def _difference(journal: Journal, stored: list[TodoState]) -> Difference:
    by_id = {todo.id: todo for todo in stored}
    lost = sum(_lost(todo, by_id.get(todo.id)) for todo in journal.todos.values())
    # Every title is given once, and a version counts the writes to a todo.
    twice = sum(count - 1 for count in Counter(todo.title for todo in stored).values())
    twice += sum(
        max(by_id[todo.id].version - todo.version, 0) for todo in journal.todos.values() if todo.id in by_id
    )
    return Difference(lost, twice)


def _lost(told: TodoState, stored: TodoState | None) -> int:
    if stored is None:
        return told.version
    if stored.version <= told.version and stored != told:
        return max(told.version - stored.version, 1)
    return 0


async def _list(person: Person) -> list[TodoState]:
    todos: list[TodoState] = []
    wanted: dict[str, str | int] = {"limit": 100}
    while True:
        response = await person.get("/api/todos", params=wanted)
        assert response.status_code == 200, response.text
        page = response.json()
        todos += [TodoState.of(item) for item in page["items"]]
        if not page["page"]["has_more"]:
            assert page["total"] == len(todos)
            return todos
        wanted["cursor"] = page["page"]["next_cursor"]
