"""Indexes follow the queries: what a page reads does not grow with the table."""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest

from tests.factories import SECRET, migrated_database
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, login_of
from todo.database.url import DatabaseUrl
from todo.features.todos.repository.pages import Among, page
from todo.features.todos.repository.search import _KNOWN
from todo.features.todos.repository.upkeep import _FORGET_CHANGES, _OWNERS_OF_TRASH
from todo.features.todos.schemas import TodoSort, TodoStatus

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

PERSON = uuid4()
FILL_CHANGES = """
INSERT INTO todo_changes (user_id, seq, todo_id, kind, at)
SELECT id, n, gen_random_uuid(), 'updated', now() - interval '31 days' + n * interval '1 hour'
  FROM users, generate_series(1, $1::int) AS n
"""
FILL = """
INSERT INTO todos (user_id, id, title, priority, created_at, updated_at, version, change_seq)
SELECT users.id, gen_random_uuid(), 'Title ' || n, (ARRAY['low', 'medium', 'high', 'urgent'])[1 + n % 4],
       now() - n * interval '1 minute', now() - n * interval '1 second', 1, n
  FROM users, generate_series(1, $1::int) AS n
"""


@pytest.fixture(scope="module")
async def app(server: DatabaseUrl) -> AsyncIterator["Connection"]:
    """The bound role on a database with many todos of some people."""
    async with migrated_database(server) as url:
        async with connect(url) as owner:
            await owner.executemany("INSERT INTO users (id) VALUES ($1)", [(PERSON,), (uuid4(),), (uuid4(),)])
            await owner.execute(FILL, 3000)
            await owner.execute(FILL_CHANGES, 3000)
            await owner.execute(
                "INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 500)"
            )
            await owner.execute("UPDATE users SET change_seq = 3000, counted_seq = 3000, indexed_seq = 2900")
            await owner.execute("VACUUM ANALYZE")
        async with connect(login_of(APP_GROUP, url, SECRET)) as connection:
            yield connection


async def explain(app: "Connection", sql: str, *arguments: Any) -> dict[str, Any]:
    async with app.transaction():
        await app.execute(f"SET LOCAL app.user_id = '{PERSON}'")
        text = await app.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {sql}", *arguments)
    plan: dict[str, Any] = json.loads(text)[0]["Plan"]
    return plan


def indexes(plan: dict[str, Any]) -> set[str]:
    below = [indexes(child) for child in plan.get("Plans", [])]
    return set().union(*below, {plan["Index Name"]} if "Index Name" in plan else set())


def ran(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan without what did not have to be done."""
    return plan | {"Plans": [ran(child) for child in plan.get("Plans", []) if child["Actual Loops"]]}


def buffers(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def scans_of_whole_tables(plan: dict[str, Any]) -> set[str]:
    below = [scans_of_whole_tables(child) for child in plan.get("Plans", [])]
    return set().union(*below, {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set())


INDEX_OF = {
    "created_at": "ix_todos_user_id_created_at_id",
    "updated_at": "ix_todos_user_id_updated_at_id",
    "priority": "ix_todos_user_id_priority_rank_id",
    "title": "ix_todos_user_id_title_key_id",
}
FIRST = {"user_id": PERSON, "limit": 20, "offset": 0}


@pytest.mark.parametrize("sort", list(TodoSort))
async def test_a_page_in_any_order_comes_from_its_index(app: "Connection", sort: TodoSort) -> None:
    statement = page(TodoStatus.ALL, False, Among.ALL, sort, False)

    plan = await explain(app, statement.sql, *statement.arguments(FIRST))

    assert indexes(ran(plan)) == {INDEX_OF[sort.removeprefix("-")], "pk_users"}
    assert buffers(plan) <= (8 if sort.endswith("_at") else 40)


async def test_a_deep_page_by_cursor_reads_as_little_as_the_first(app: "Connection") -> None:
    async with app.transaction():
        await app.execute(f"SET LOCAL app.user_id = '{PERSON}'")
        row = await app.fetchrow(
            "SELECT created_at, id FROM todos ORDER BY created_at DESC, id DESC OFFSET 2500 LIMIT 1"
        )
    assert row is not None
    statement = page(TodoStatus.ALL, False, Among.ALL, TodoSort.CREATED_AT_DESC, True)
    place = {"after_value": row["created_at"], "after_id": row["id"]}

    plan = await explain(app, statement.sql, *statement.arguments(FIRST | place))

    assert indexes(ran(plan)) == {INDEX_OF["created_at"], "pk_users"}
    assert buffers(plan) <= 8


async def test_what_has_changed_since_the_index_was_written_is_read_by_its_place(app: "Connection") -> None:
    values = {"user_id": PERSON, "limit": 1, "conditions": [0], "lows": ["milk"], "highs": ["mill"]}

    plan = await explain(app, _KNOWN.sql, *_KNOWN.arguments(values))

    assert {"pk_users", "pk_todo_changes"} <= indexes(plan)
    assert "ix_todo_changes_todo_id_user_id_seq" not in indexes(plan)


async def test_whether_an_id_is_taken_is_found_by_the_id_alone(server: DatabaseUrl) -> None:
    async with migrated_database(server) as url, connect(url) as owner:
        await owner.execute("INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 500)")
        await owner.execute(FILL, 40)
        await owner.execute("VACUUM ANALYZE todos")
        body = await owner.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'todo_exists'")
        asked = re.search("PERFORM (.*?);", body)
        assert asked
        query = f"SELECT {asked[1].replace('wanted', '$1::uuid')}"
        plan = await owner.fetchval(f"EXPLAIN (FORMAT json) {query}", uuid4())

    assert indexes(json.loads(plan)[0]["Plan"]) == {"pk_todos"}


async def test_the_upkeep_reads_what_is_due_and_little_more(server: DatabaseUrl) -> None:
    async with migrated_database(server) as url, connect(url) as owner:
        await owner.execute("INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 50)")
        await owner.execute(FILL_CHANGES, 700)
        await owner.execute(FILL, 700)
        await owner.execute("UPDATE todos SET deleted_at = now() WHERE change_seq % 100 = 0")
        await owner.execute("VACUUM ANALYZE")
        people = [row["id"] for row in await owner.fetch("SELECT id FROM users LIMIT 25")]
        before = datetime.now(UTC) - timedelta(days=31) + timedelta(hours=2)
        values = {"people": people, "before": before, "limit": 100}

        for statement, index in ((_FORGET_CHANGES, "pk_todo_changes"), (_OWNERS_OF_TRASH, "ix_todos_trash")):
            plan = await explain(owner, statement.sql, *statement.arguments(values))

            assert index in indexes(plan)
            assert scans_of_whole_tables(plan) <= {"users"}
            assert buffers(plan) <= 25 * 30
