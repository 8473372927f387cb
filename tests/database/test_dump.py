"""A dump holds every row, on every server we promise to work on, or says that it does not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from tests.factories import SECRET, migrated_database, new_database
from todo.database.census import Census, take_census
from todo.database.dump import load_dump, refuse_missing_rows, write_dump
from todo.database.embedded import binaries
from todo.database.engine import Connection, connect
from todo.database.roles import APP_GROUP, create_auth_schema, create_groups, login_of
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

FILL = """
INSERT INTO users (id, change_seq) SELECT gen_random_uuid(), n FROM generate_series(1, 3) AS n;
INSERT INTO todos (user_id, id, title, description, created_at, updated_at, version, change_seq)
SELECT id, gen_random_uuid(), title, E'tab\\t back\\\\slash\\nline\\n\\\\.\\nend', now(), now() + '1 us', 1, n
  FROM users,
       unnest(ARRAY['İstanbul', 'GROẞ', '\\.', '\\N', ' "x" ', '👩‍🚀']) WITH ORDINALITY AS titles (title, n);
INSERT INTO todo_changes (user_id, seq, todo_id, kind, at, todo)
SELECT user_id, change_seq, id, 'created', now(), jsonb_build_object('title', title, 'n', 1.10) FROM todos;
INSERT INTO idempotency_keys (user_id, key, fingerprint, status, headers, body)
SELECT id, 'k', '\\x00ff', 201, '{}', decode(repeat('00ff', 200000), 'hex') FROM users;
SET ROLE todo_auth;
CREATE TABLE auth."rateLimit" (id uuid PRIMARY KEY, "lastRequest" bigint, "from" text);
INSERT INTO auth."rateLimit" SELECT gen_random_uuid(), n, NULL FROM generate_series(1, 5) AS n;
GRANT SELECT ("lastRequest") ON auth."rateLimit" TO todo_app;
RESET ROLE
"""


@asynccontextmanager
async def filled_database(server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    async with migrated_database(server) as url:
        async with connect(url) as owner:
            await owner.execute(FILL)
        yield url


@asynccontextmanager
async def snapshot(url: DatabaseUrl) -> AsyncIterator[Connection]:
    async with connect(url) as connection, connection.transaction(isolation="repeatable_read"):
        yield connection


async def census_of(url: DatabaseUrl) -> Census:
    async with snapshot(url) as connection:
        return await take_census(connection)


@pytest.fixture(params=["server", "oldest_server"])
def target_server(request: pytest.FixtureRequest) -> DatabaseUrl:
    """The newest and the oldest PostgreSQL once more, to load into."""
    url: DatabaseUrl = request.getfixturevalue(request.param)
    return url


async def test_what_is_loaded_is_what_was_dumped(
    each_server: DatabaseUrl, target_server: DatabaseUrl, tmp_path: Path
) -> None:
    file = tmp_path / "dump"
    async with filled_database(each_server) as source, snapshot(source) as connection:
        dumped = await take_census(connection)
        await write_dump(source, connection, file)
    await refuse_missing_rows(file, dumped)

    async with new_database(target_server) as target:
        await create_groups(target)
        async with connect(target) as connection, connection.transaction():
            await create_auth_schema(connection)
            await load_dump(connection, file, dumped)

        loaded = await census_of(target)
        async with connect(target) as owner:
            rights = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'rateLimit'"
            assert await owner.fetchval(rights) == "todo_auth"
            readable = "SELECT has_column_privilege('todo_app', 'auth.\"rateLimit\"', $1, 'SELECT')"
            assert [await owner.fetchval(readable, name) for name in ("lastRequest", "from")] == [True, False]
    assert loaded == dumped
    assert {name: table.rows for name, table in loaded.items() if table.rows} == {
        'auth."rateLimit"': 5,
        "public.alembic_version": 1,
        "public.idempotency_keys": 3,
        "public.todo_changes": 18,
        "public.todos": 18,
        "public.users": 3,
    }


async def test_a_dump_is_of_one_moment(server: DatabaseUrl, tmp_path: Path) -> None:
    file = tmp_path / "dump"
    async with filled_database(server) as url, snapshot(url) as connection, connect(url) as other:
        dumped = await take_census(connection)
        await other.execute("INSERT INTO users (id) SELECT gen_random_uuid(); DELETE FROM todo_changes")
        await write_dump(url, connection, file)

    await refuse_missing_rows(file, dumped)


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE todos SET title = title || ' ' WHERE change_seq = 3", "public.todos"),
        ("DELETE FROM users WHERE change_seq = 3", "public.users"),
        ("INSERT INTO auth.\"rateLimit\" SELECT gen_random_uuid(), 1, ''", 'auth."rateLimit"'),
        ('UPDATE auth."rateLimit" SET "from" = \'\' WHERE "lastRequest" = 1', 'auth."rateLimit"'),
        ("ALTER TABLE todos DISABLE ROW LEVEL SECURITY", "public.todos"),
        ("ALTER POLICY owner_only ON users USING (true)", "public.users"),
        ("CREATE POLICY all_of_it ON todos FOR SELECT TO todo_app USING (true)", "public.todos"),
    ],
)
async def test_a_census_notices_what_changed(server: DatabaseUrl, change: str, table: str) -> None:
    async with filled_database(server) as url:
        before = await census_of(url)
        async with connect(url) as owner:
            await owner.execute(change)
        after = await census_of(url)

    assert table in {name for name in before if before[name] != after[name]}


async def test_a_census_does_not_mind_the_order_of_rows(server: DatabaseUrl) -> None:
    async with filled_database(server) as url:
        before = await census_of(url)
        async with connect(url) as owner:
            await owner.execute("CLUSTER todos USING pk_todos; UPDATE users SET change_seq = change_seq")

        assert await census_of(url) == before


async def test_a_role_that_sees_nothing_counts_nothing_and_says_so(server: DatabaseUrl) -> None:
    async with filled_database(server) as url:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await census_of(login_of(APP_GROUP, url, SECRET))


async def test_a_dump_without_the_rows_of_a_table_is_refused_though_pg_dump_was_content(
    server: DatabaseUrl, tmp_path: Path
) -> None:
    file = tmp_path / "dump"
    async with filled_database(server) as url:
        counted = await census_of(url)
        app = login_of(APP_GROUP, url, SECRET)
        command = ["--format=custom", "--schema=public", "--enable-row-security", f"--file={file}", str(app)]
        pg_dump = await asyncio.create_subprocess_exec(binaries() / "pg_dump", *command)

        assert await pg_dump.wait() == 0
    ours = {name: table for name, table in counted.items() if table.namespace == "public"}
    with pytest.raises(CannotStart, match=r"0 rows of public\.idempotency_keys, the database 3"):
        await refuse_missing_rows(file, ours)


async def test_a_dump_that_is_cut_off_is_refused(server: DatabaseUrl, tmp_path: Path) -> None:
    file = tmp_path / "dump"
    async with filled_database(server) as url, snapshot(url) as connection:
        dumped = await take_census(connection)
        await write_dump(url, connection, file)
    file.write_bytes(file.read_bytes()[:-2000])

    with pytest.raises(CannotStart, match=r"pg_restore failed|rows of"):
        await refuse_missing_rows(file, dumped)
    async with new_database(server) as target, connect(target) as connection:
        with pytest.raises((CannotStart, asyncpg.PostgresError)):
            await load_into(connection, file, dumped)

        assert await census_of(target) == {}


async def load_into(connection: Connection, file: Path, census: Census) -> None:
    async with connection.transaction():
        await create_auth_schema(connection)
        await load_dump(connection, file, census)


async def test_a_dump_of_a_database_that_is_gone_gives_the_reason(
    server: DatabaseUrl, tmp_path: Path
) -> None:
    async with filled_database(server) as url, snapshot(url) as connection:
        elsewhere = DatabaseUrl(url.user, "", url.location, f"gone_{uuid4().hex}", url.parameters)
        with pytest.raises(CannotStart, match=r"pg_dump failed: .*does not exist"):
            await write_dump(elsewhere, connection, tmp_path / "dump")
