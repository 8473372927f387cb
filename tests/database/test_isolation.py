"""Row-level security alone keeps people apart, whatever a query forgets."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.factories import SECRET, migrated_database
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, login_of, refuse_unbound_role
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

ALICE, BOB = uuid4(), uuid4()
TODO_ID = uuid4()
INSERT = """INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)
            VALUES ($1, $2, 'Water the plants', now(), now(), 1, 1)"""


@pytest.fixture(scope="module", autouse=True)
async def one_todo_of_alice(owner_url: DatabaseUrl) -> None:
    async with connect(owner_url) as owner:
        await owner.executemany(
            "INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING", [(ALICE,), (BOB,)]
        )
        await owner.execute("DELETE FROM todos")
        await owner.execute(INSERT, ALICE, TODO_ID)


@pytest.fixture
async def app(owner_url: DatabaseUrl) -> AsyncIterator["Connection"]:
    """A connection of the role the service logs in as, in a transaction."""
    async with connect(login_of(APP_GROUP, owner_url, SECRET)) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


async def act_as(app: "Connection", user_id: UUID | str) -> None:
    await app.execute(f"SET LOCAL app.user_id = '{user_id}'")


@pytest.mark.parametrize(("person", "seen"), [(ALICE, 1), (BOB, 0)])
async def test_a_query_without_a_filter_sees_the_rows_of_the_caller(
    app: "Connection", person: UUID, seen: int
) -> None:
    await act_as(app, person)

    assert await app.fetchval("SELECT count(*) FROM todos") == seen
    assert await app.fetchval("SELECT count(*) FROM users") == 1


async def test_without_a_caller_nothing_is_seen(app: "Connection") -> None:
    assert await app.fetchval("SELECT count(*) FROM todos") == 0

    await act_as(app, "")

    assert await app.fetchval("SELECT count(*) FROM todos") == 0


async def test_nobody_changes_the_rows_of_another(app: "Connection") -> None:
    await act_as(app, BOB)

    assert await app.execute("UPDATE todos SET title = 'Mine now'") == "UPDATE 0"


async def test_nobody_removes_the_rows_of_another(app: "Connection") -> None:
    await act_as(app, BOB)

    assert await app.execute("DELETE FROM todos") == "DELETE 0"


async def test_nobody_removes_another_person(app: "Connection") -> None:
    await act_as(app, BOB)

    assert [row["id"] for row in await app.fetch("DELETE FROM users RETURNING id")] == [BOB]


async def test_nobody_writes_rows_for_another(app: "Connection") -> None:
    await act_as(app, BOB)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(INSERT, ALICE, uuid4())


async def test_nobody_gives_rows_away(app: "Connection") -> None:
    await act_as(app, ALICE)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("UPDATE todos SET user_id = $1", BOB)


async def test_the_caller_ends_with_the_transaction(owner_url: DatabaseUrl) -> None:
    async with connect(login_of(APP_GROUP, owner_url, SECRET)) as connection:
        async with connection.transaction():
            await act_as(connection, ALICE)

        assert await connection.fetchval("SELECT count(*) FROM todos") == 0


async def test_others_ids_are_known_to_exist_and_no_more(app: "Connection") -> None:
    await act_as(app, BOB)

    assert await app.fetchval("SELECT todo_exists($1)", TODO_ID) is True
    assert await app.fetchval("SELECT todo_exists($1)", uuid4()) is False


@pytest.mark.parametrize(
    "command",
    [
        "DELETE FROM todo_changes",
        "UPDATE todo_changes SET kind = 'created'",
        "TRUNCATE todos",
        "CREATE TABLE mine (id int)",
        "ALTER TABLE todos DISABLE ROW LEVEL SECURITY",
        "SET ROLE postgres",
        "SELECT * FROM pg_authid",
    ],
)
async def test_the_service_may_do_no_more_than_it_needs(app: "Connection", command: str) -> None:
    await act_as(app, ALICE)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(command)


async def test_the_bound_role_is_accepted(owner_url: DatabaseUrl) -> None:
    await refuse_unbound_role(login_of(APP_GROUP, owner_url, SECRET))


async def test_a_superuser_is_refused(owner_url: DatabaseUrl) -> None:
    with pytest.raises(CannotStart, match="row-level security"):
        await refuse_unbound_role(owner_url)


@pytest.mark.parametrize("weakness", ["BYPASSRLS", "SUPERUSER"])
async def test_a_role_that_bypasses_is_refused(owner_url: DatabaseUrl, weakness: str) -> None:
    name = f"test_{uuid4().hex[:8]}"
    async with connect(owner_url) as owner:
        await owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x' {weakness}")
        try:
            with pytest.raises(CannotStart, match="row-level security"):
                await refuse_unbound_role(owner_url.as_role(name, "x"))
        finally:
            await owner.execute(f"DROP ROLE {name}")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER POLICY owner_only ON todos USING (true)",
        "ALTER POLICY owner_only ON todos WITH CHECK (true)",
        "CREATE POLICY shared ON todo_changes FOR SELECT TO PUBLIC USING (todo_id IS NOT NULL)",
        "CREATE POLICY shared ON users FOR INSERT TO todo_app WITH CHECK (true)",
    ],
)
async def test_a_policy_that_shows_more_than_ones_own_is_noticed(owner_url: DatabaseUrl, change: str) -> None:
    async with migrated_database(owner_url) as url:
        await refuse_unbound_role(login_of(APP_GROUP, url, SECRET))
        async with connect(url) as owner:
            await owner.execute(change)

        with pytest.raises(CannotStart, match="more than one person's rows"):
            await refuse_unbound_role(login_of(APP_GROUP, url, SECRET))


async def test_a_policy_for_another_role_or_one_that_shows_less_does_no_harm(owner_url: DatabaseUrl) -> None:
    async with connect(owner_url) as owner:
        await owner.execute("CREATE POLICY others ON todos TO todo_auth USING (true)")
        await owner.execute("CREATE POLICY fewer ON todos AS RESTRICTIVE USING (version > 0)")
        try:
            await refuse_unbound_role(login_of(APP_GROUP, owner_url, SECRET))
        finally:
            await owner.execute("DROP POLICY others ON todos; DROP POLICY fewer ON todos")


async def test_a_table_without_protection_is_noticed(owner_url: DatabaseUrl) -> None:
    async with connect(owner_url) as owner:
        await owner.execute("CREATE TABLE unprotected (id int)")
        try:
            with pytest.raises(CannotStart, match="row-level security"):
                await refuse_unbound_role(login_of(APP_GROUP, owner_url, SECRET))
        finally:
            await owner.execute("DROP TABLE unprotected")
