"""Indexes follow the queries: what is read of a long history does not grow with it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import SECRET, migrated_database
from tests.features.todos.test_query_plans import indexes, scans_of_whole_tables
from todo.database.engine import Connection, connect
from todo.database.roles import APP_GROUP, login_of
from todo.database.statements import Statement
from todo.database.url import DatabaseUrl
from todo.features.activity.repository import _HISTORY, _LAST, _OF_ACTION, _OF_CLIENT, _page

PERSON = uuid4()
# 900 changes of 50 todos each, a minute apart, thirty in each action.
FILL = """
INSERT INTO todo_changes (user_id, seq, todo_id, kind, at, todo, action, client, tool)
SELECT users.id, n, overlay(users.id::text placing lpad((n % 50)::text, 4, '0') from 1)::uuid, 'updated',
       now() - (900 - n) * interval '1 minute', '{}', 1 + (n - 1) / 30 * 30, 'person', 'update_todo'
  FROM users, generate_series(1, 900) AS n
"""
PLACE, TODO = "pk_todo_changes", "ix_todo_changes_todo_id_user_id_seq"
JUST_NOW = datetime.now(UTC) - timedelta(minutes=30)
TODO_ID = UUID(f"0007{str(PERSON)[4:]}")


@pytest.fixture(scope="module")
async def app(server: DatabaseUrl) -> AsyncIterator[Connection]:
    """The bound role on a database with long histories of some people."""
    async with migrated_database(server) as url:
        async with connect(url) as owner:
            people = [(PERSON,), *((uuid4(),) for _ in range(30))]
            await owner.executemany("INSERT INTO users (id) VALUES ($1)", people)
            await owner.execute(FILL)
            await owner.execute("VACUUM ANALYZE todo_changes")
        async with connect(login_of(APP_GROUP, url, SECRET)) as connection:
            yield connection


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (_page(False, False, False), {}, PLACE),
        (_page(False, False, False), {"before_seq": 300}, PLACE),
        (_page(False, True, False), {"todo_id": TODO_ID}, TODO),
        (_page(True, False, True), {"client": "app:none", "since": JUST_NOW}, PLACE),
        (_OF_ACTION, {"action": 31}, PLACE),
        (_OF_CLIENT, {"client": "person", "since": JUST_NOW}, PLACE),
        (_HISTORY, {"todo_ids": [TODO_ID], "first": 10}, TODO),
    ],
    ids=["a page", "a later page", "a todo", "a client since", "an action", "all since", "a history"],
)
async def test_what_is_asked_comes_from_an_index_and_reads_little(
    app: Connection, statement: Statement, values: dict[str, Any], index: str
) -> None:
    usual = {"user_id": PERSON, "limit": 30, "before_seq": _LAST, "first": 1}
    async with app.transaction():
        await app.execute(f"SET LOCAL app.user_id = '{PERSON}'")
        text = await app.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {statement.sql}", *statement.arguments(usual | values)
        )

    plan = json.loads(text)[0]["Plan"]
    assert indexes(plan) == {index}
    assert scans_of_whole_tables(plan) == set()
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 60, plan
