"""What is measured on looks as if the product itself had written it."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest

from benchmarks.dataset import copy_todos
from benchmarks.population import Population
from benchmarks.size import Size
from tests.factories import migrated_database
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_SIZE = Size(2_000)


@pytest.fixture(scope="module")
async def filled(server: DatabaseUrl) -> AsyncIterator["Connection"]:
    """The owner role on a database that was filled."""
    async with migrated_database(server) as url, connect(url) as owner:
        await copy_todos(owner, Population(_SIZE))
        yield owner


async def test_there_are_as_many_as_were_asked_for_and_the_heavy_user_has_a_tenth(
    filled: "Connection",
) -> None:
    counts = [
        row["n"]
        for row in await filled.fetch("SELECT count(*) AS n FROM todos GROUP BY user_id ORDER BY n DESC")
    ]

    assert len(counts) == _SIZE.people
    assert sum(counts) == _SIZE.todos
    assert counts[0] == _SIZE.heavy > counts[1]


async def test_everybodys_counts_are_those_of_their_rows(filled: "Connection") -> None:
    wrong = await filled.fetch(
        """
        SELECT id FROM users
         WHERE todo_count <> (SELECT count(*) FROM todos WHERE user_id = users.id)
            OR counted_seq <> change_seq
            OR todo_counts <> ARRAY(
                SELECT count(todos.id) FROM generate_series(1, 12) AS place
                  LEFT JOIN todos ON user_id = users.id AND place = priority_rank +
                       CASE WHEN deleted_at IS NOT NULL THEN 8 WHEN completed_at IS NOT NULL THEN 4 ELSE 0 END
                 GROUP BY place ORDER BY place)
            OR change_seq <> (SELECT count(*) FROM todo_changes WHERE user_id = users.id)
            OR change_seq <> (SELECT max(seq) FROM todo_changes WHERE user_id = users.id)
            OR change_seq <> (SELECT max(change_seq) FROM todos WHERE user_id = users.id)
        """
    )

    assert wrong == []


async def test_the_last_change_of_each_todo_tells_how_it_is_now(filled: "Connection") -> None:
    wrong = await filled.fetch(
        """
        SELECT todos.id FROM todos LEFT JOIN todo_changes
            ON todo_changes.user_id = todos.user_id AND seq = change_seq AND todo_id = todos.id
         WHERE (todo->>'title', (todo->>'version')::int, (todo->>'is_completed')::bool)
               IS DISTINCT FROM (title, version, completed_at IS NOT NULL)
            OR (todo->>'updated_at')::timestamptz <> updated_at
            OR (todo->>'completed_at')::timestamptz IS DISTINCT FROM completed_at
            OR (todo->>'deleted_at')::timestamptz IS DISTINCT FROM deleted_at
        """
    )

    assert wrong == []


async def test_no_index_or_constraint_is_missing_afterwards(
    server: DatabaseUrl, filled: "Connection"
) -> None:
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    async with migrated_database(server) as url, connect(url) as untouched:
        assert await filled.fetch(indexes) == await untouched.fetch(indexes)


@pytest.mark.parametrize(("text", "todos"), [("100", 100), ("10k", 10_000), ("1M", 1_000_000)])
def test_a_size_is_read_as_people_write_it(text: str, todos: int) -> None:
    assert Size.parse(text).todos == todos


@pytest.mark.parametrize("text", ["", "12", "1G", "-5", "1.5M"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        Size.parse(text)
