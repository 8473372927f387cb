"""Migrations run up, down and up; what they make is what the code means."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from tests.factories import migrate_only, new_database
from todo.architect.specs import schema_sql
from todo.database.engine import connect
from todo.database.roles import create_logins
from todo.database.url import DatabaseUrl
from todo.migrations.runner import (
    alembic_config,
    alone,
    current_revision,
    downgrade,
    find_drift,
    head_revision,
)
from todo.problems import CannotStart

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

SCHEMA = (Path(__file__).parents[2] / "specs/database/schema.sql").read_text(encoding="utf-8")
PEOPLE_WITH_TODOS = """
INSERT INTO users (id, change_seq, todo_count, counted_seq, todo_counts)
SELECT gen_random_uuid(), 3, 3, 3, '{0,0,2,0,0,0,0,0,0,0,1,0}' FROM generate_series(1, 5);
INSERT INTO todos (
    user_id, id, title, description, priority, created_at, updated_at, deleted_at, version, change_seq
)
SELECT users.id, gen_random_uuid(), 'Todo ' || n, CASE WHEN n = 1 THEN 'Said' END, 'high', now(), now(),
       CASE WHEN n = 2 THEN now() END, n, n FROM users, generate_series(1, 3) AS n
"""
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"


async def test_migrations_run_up_down_and_up(each_server: DatabaseUrl) -> None:
    async with new_database(each_server) as url:
        await migrate_only(url)
        await downgrade(url, "base")
        async with connect(url) as connection:
            tables = [row["relname"] for row in await connection.fetch(TABLES)]
        await migrate_only(url)

        assert tables == ["alembic_version"]
        assert await current_revision(url) == head_revision()


async def test_every_revision_goes_down_and_up_and_leaves_alone_what_is_not_its_own(
    each_server: DatabaseUrl,
) -> None:
    scripts = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    _, *newer = revisions = sorted(script.revision for script in scripts)
    async with new_database(each_server) as url, connect(url) as owner:
        await migrate_only(url)
        await owner.execute(PEOPLE_WITH_TODOS)
        before = await digests(owner)
        for revision in reversed(revisions[:-1]):
            await downgrade(url, revision)
            assert (await digests(owner)).items() <= before.items(), revision
        for revision in newer:
            await migrate_only(url, revision)
            assert (await digests(owner)).items() <= before.items(), revision

        assert await digests(owner) == before


async def digests(owner: "Connection") -> dict[tuple[str, str], str]:
    """Give what each column of people and todos holds, as a digest."""
    columns = await owner.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name IN ('users', 'todos')"
    )
    assert ("todos", "title") in [tuple(row) for row in columns]
    digest = "SELECT md5(string_agg({0}::text, ',' ORDER BY {0}::text)) FROM {1}"
    return {(table, column): await owner.fetchval(digest.format(column, table)) for table, column in columns}


async def test_several_starters_migrate_once(each_server: DatabaseUrl) -> None:
    async with new_database(each_server) as url:
        await asyncio.gather(*(migrate_only(url) for _ in range(4)))

        assert await current_revision(url) == head_revision()


async def test_todos_that_are_there_already_are_counted(each_server: DatabaseUrl) -> None:
    counts = "SELECT todo_count FROM users ORDER BY todo_count"
    async with new_database(each_server) as url, connect(url) as connection:
        await migrate_only(url, "0003")
        await connection.execute("INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 3)")
        await connection.execute(
            "INSERT INTO todos (user_id, id, title, created_at, updated_at, deleted_at, version, change_seq)"
            " SELECT id, gen_random_uuid(), 'x', now(), now(), CASE WHEN n % 2 = 0 THEN now() END, 1, n"
            " FROM (SELECT id, 2 * row_number() OVER () - 2 AS todos FROM users) AS people,"
            " generate_series(1, todos) AS n"
        )
        await migrate_only(url)
        once = [row["todo_count"] for row in await connection.fetch(counts)]
        await downgrade(url, "0003")
        await migrate_only(url)

        assert once == [row["todo_count"] for row in await connection.fetch(counts)] == [0, 2, 4]


async def test_the_tables_in_code_are_the_tables_in_the_database(owner_url: DatabaseUrl) -> None:
    await find_drift(owner_url)


async def test_the_schema_is_the_one_in_specs(server: DatabaseUrl) -> None:
    async with new_database(server) as url:
        await migrate_only(url)

        assert schema_sql(url) == SCHEMA


@pytest.fixture
async def owner(owner_url: DatabaseUrl) -> AsyncIterator["Connection"]:
    """The owner of the tables, in a transaction that leaves nothing behind."""
    async with connect(owner_url) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


async def test_whatever_belongs_to_a_person_goes_with_them(owner: "Connection") -> None:
    rows = await owner.fetch(
        """
        SELECT confdeltype::text AS on_delete FROM pg_constraint
         WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        """
    )

    assert {row["on_delete"] for row in rows} == {"c"}


async def test_every_policy_says_the_rows_of_the_caller_and_nothing_else(owner: "Connection") -> None:
    rows = await owner.fetch(
        """
        SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check, column_name
          FROM information_schema.columns
          FULL JOIN pg_policies ON schemaname = table_schema AND tablename = table_name
         WHERE table_schema = 'public'
           AND column_name = CASE table_name WHEN 'users' THEN 'id' ELSE 'user_id' END
        """
    )

    caller = "(NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid"
    assert len(rows) == len({row["tablename"] for row in rows}) >= 4
    for row in rows:
        mine = f"({row['column_name']} = {caller})"
        assert tuple(row)[1:7] == ("owner_only", "PERMISSIVE", "{todo_app}", "ALL", mine, mine), row


@pytest.mark.parametrize(
    "values",
    [
        "'', NULL, 'medium', 1",
        "' \t\n', NULL, 'medium', 1",
        f"'{'x' * 201}', NULL, 'medium', 1",
        f"'x', '{'y' * 1001}', 'medium', 1",
        "'x', NULL, 'highest', 1",
        "'x', NULL, 'medium', 0",
    ],
)
async def test_the_limits_are_constraints_of_the_table(owner: "Connection", values: str) -> None:
    await owner.execute("INSERT INTO users (id) VALUES (gen_random_uuid())")

    # A priority that is none has no rank.
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.NotNullViolationError)):
        await owner.execute(
            "INSERT INTO todos"
            " (user_id, id, created_at, updated_at, change_seq, title, description, priority, version)"
            f" SELECT id, id, now(), now(), 1, {values} FROM users"
        )


async def test_no_change_is_of_another_kind(owner: "Connection") -> None:
    await owner.execute("INSERT INTO users (id) VALUES (gen_random_uuid())")

    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(
            "INSERT INTO todo_changes (user_id, seq, todo_id, kind, at)"
            " SELECT id, 1, id, 'moved', now() FROM users"
        )


async def test_todos_go_with_their_person(owner: "Connection") -> None:
    user_id = uuid4()
    await owner.execute("INSERT INTO users (id) VALUES ($1)", user_id)
    await owner.execute(
        "INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)"
        " VALUES ($1, $1, 'x', now(), now(), 1, 1)",
        user_id,
    )

    await owner.execute("DELETE FROM users WHERE id = $1", user_id)

    assert await owner.fetchval("SELECT count(*) FROM todos WHERE user_id = $1", user_id) == 0


async def test_a_role_that_may_not_create_says_who_should(each_server: DatabaseUrl) -> None:
    async with new_database(each_server) as url, new_role(url, "") as small:
        with pytest.raises(CannotStart, match="todo migrate"):
            await migrate_only(small)


async def test_a_role_that_may_not_hand_out_rights_says_who_should(each_server: DatabaseUrl) -> None:
    async with new_database(each_server) as url, new_role(url, "NOCREATEROLE") as small:
        await migrate_only(url)
        with pytest.raises(CannotStart, match="todo migrate"):
            await hand_out(small)


async def hand_out(small: DatabaseUrl) -> None:
    async with alone(small) as gate:
        await create_logins(gate, small, b"another secret")


@asynccontextmanager
async def new_role(url: DatabaseUrl, attributes: str) -> AsyncIterator[DatabaseUrl]:
    name = f"test_{uuid4().hex[:8]}"
    async with connect(url) as connection:
        await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x' {attributes}")
        yield url.as_role(name, "x")
        await connection.execute(f"DROP ROLE {name}")
