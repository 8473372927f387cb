"""One request, one transaction: committed before the answer, rolled back on any failure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from tests.factories import SECRET, Person, Service
from todo.database.engine import connect, open_pool, open_reads
from todo.database.roles import APP_GROUP, login_of
from todo.database.standing import LiveSession
from todo.database.statements import Statement
from todo.database.transaction import Database
from todo.database.url import DatabaseUrl
from todo.problems import Unauthenticated, Unavailable

ADD_USER = Statement(text("INSERT INTO users (id) VALUES (CAST(:id AS uuid)) RETURNING id"))
COUNT_USERS = Statement(text("SELECT count(*) AS n FROM users"))
OWN_USERS = Statement(text("SELECT min(id::text)::uuid AS id, count(*) AS n FROM users"))
SIGNED_IN = "SELECT current_setting('app.user_id') AS id"
PLAN_OF_A_WORD = Statement(text("EXPLAIN SELECT FROM todo_words WHERE word = :word"))
SLEEP = Statement(text("SELECT pg_sleep(20)"))
NAP = Statement(text("SELECT pg_sleep(0.6)"))
LOCK_TIMEOUT = Statement(text("SELECT setting::integer AS ms FROM pg_settings WHERE name = 'lock_timeout'"))


@pytest.fixture
async def database(owner_url: DatabaseUrl) -> AsyncIterator[Database]:
    url = login_of(APP_GROUP, owner_url, SECRET)
    async with open_pool(url, size=2) as pool, open_reads(url) as reads:
        yield Database(pool, reads=reads, acquire_timeout_seconds=0.5)


async def count(database: Database, user_id: UUID) -> int:
    async with database.transaction(user_id, read_only=True) as transaction:
        row = await transaction.one(COUNT_USERS)
    return int(row["n"]) if row else 0


async def test_the_end_of_the_block_commits(database: Database) -> None:
    user_id = uuid4()

    async with database.transaction(user_id) as transaction:
        await transaction.one(ADD_USER, id=user_id)

    assert await count(database, user_id) == 1


async def test_a_commit_is_told_of_once_it_is_made_and_nothing_else_is(owner_url: DatabaseUrl) -> None:
    user_id, committed = uuid4(), list[UUID]()
    async with open_pool(login_of(APP_GROUP, owner_url, SECRET), size=1) as pool:
        database = Database(pool, on_commit=committed.append)
        async with database.transaction(user_id, read_only=True):
            pass
        with pytest.raises(ZeroDivisionError):
            async with database.transaction(user_id):
                raise ZeroDivisionError
        async with database.transaction(user_id):
            assert committed == []

    assert committed == [user_id]


async def test_an_exception_rolls_back(database: Database) -> None:
    user_id = uuid4()

    async def failing() -> None:
        async with database.transaction(user_id) as transaction:
            await transaction.one(ADD_USER, id=user_id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()

    assert await count(database, user_id) == 0


async def test_a_cancelled_request_rolls_back_and_leaves_a_usable_pool(database: Database) -> None:
    user_id = uuid4()

    async def interrupted() -> None:
        async with database.transaction(user_id) as transaction:
            await transaction.one(ADD_USER, id=user_id)
            await transaction.one(SLEEP)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(interrupted(), 0.05)

    assert await count(database, user_id) == 0


async def test_reading_cannot_write(database: Database) -> None:
    user_id = uuid4()

    with pytest.raises(Unavailable):
        async with database.transaction(user_id, read_only=True) as transaction:
            await transaction.one(ADD_USER, id=user_id)


async def test_all_locks_of_a_transaction_are_waited_for_as_long_as_one(database: Database) -> None:
    async with database.transaction(uuid4()) as transaction:
        before = await transaction.one(LOCK_TIMEOUT)
        await transaction.one(NAP)
        after = await transaction.one(LOCK_TIMEOUT)

    assert before
    assert after
    assert (before["ms"], after["ms"] <= 2_400) == (3_000, True)


async def test_a_full_pool_is_said_to_be_full_soon(database: Database) -> None:
    async with database.transaction(uuid4()), database.transaction(uuid4()):
        with pytest.raises(Unavailable):
            async with database.transaction(uuid4()):
                pass

    assert await count(database, uuid4()) == 0


@pytest.mark.parametrize("way", ["a message", "a transaction"])
async def test_a_glance_shows_ones_own_rows_and_leaves_nobody_signed_in(
    owner_url: DatabaseUrl, way: str
) -> None:
    url = login_of(APP_GROUP, owner_url, SECRET)
    people = [uuid4(), uuid4(), uuid4()]
    async with connect(owner_url) as owner:
        await owner.executemany("INSERT INTO users (id) VALUES ($1)", [(person,) for person in people[:2]])
    async with open_pool(url, size=1) as pool, open_reads(url) as reads:
        database = Database(pool, reads=reads if way == "a message" else None)
        # So often that plans are made for anybody.
        seen = [
            [row["id"], row["n"]]
            for person in people * 8
            if (row := await database.glance(person).one(OWN_USERS))
        ]
        if way == "a message" and reads:
            row = await reads.ask(SIGNED_IN, (), timeout=1)
            left = row["id"] if row else None
        else:
            async with pool.lent(timeout=1) as connection:
                left = await connection.fetchval(SIGNED_IN)

    assert seen == [[people[0], 1], [people[1], 1], [None, 0]] * 8
    assert left == ""


async def test_a_glance_that_is_called_off_is_in_nobodys_way(database: Database) -> None:
    await glanced(database, uuid4())
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(database.glance(uuid4()).one(SLEEP), 0.05)

    assert await glanced(database, uuid4()) == 0


async def glanced(database: Database, user_id: UUID) -> int:
    row = await database.glance(user_id).one(COUNT_USERS)
    return int(row["n"]) if row else -1


@pytest.mark.parametrize("look", [count, glanced])
async def test_a_lost_connection_is_replaced(
    database: Database, owner_url: DatabaseUrl, look: Callable[[Database, UUID], Awaitable[int]]
) -> None:
    user_id = uuid4()
    await look(database, user_id)
    async with connect(owner_url) as owner:
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE 'todo_app%'"
            " AND datname = current_database()"
        )
        while await owner.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename LIKE 'todo_app%'"
            " AND datname = current_database())"
        ):
            pass

    assert await look(database, user_id) == 0


@pytest.mark.parametrize("look", [count, glanced])
async def test_a_database_that_is_not_there_is_said_to_be_unavailable(
    look: Callable[[Database, UUID], Awaitable[int]],
) -> None:
    nowhere = DatabaseUrl.parse("postgresql://nobody@127.0.0.1:1/nothing")
    async with open_pool(nowhere, size=1) as pool, open_reads(nowhere) as reads:
        with pytest.raises(Unavailable):
            await look(Database(pool, reads=reads), uuid4())


async def test_plans_made_while_a_table_is_empty_do_not_read_it_whole_once_it_is_full(
    database: Database, owner_url: DatabaseUrl
) -> None:
    async with connect(owner_url) as owner:
        await owner.execute("VACUUM ANALYZE todo_words")
    async with database.transaction(uuid4()) as transaction:
        plan = await transaction.rows(PLAN_OF_A_WORD, word="milk")

    assert "pk_todo_words" in str(plan)


async def test_without_a_session_of_ours_nobody_enters(owner_url: DatabaseUrl) -> None:
    async with connect(owner_url) as owner:
        await owner.execute('CREATE TABLE IF NOT EXISTS auth.session (id uuid, "expiresAt" timestamptz)')
        await owner.execute(f"GRANT USAGE ON SCHEMA auth TO {APP_GROUP}")
        await owner.execute(f"GRANT SELECT ON auth.session TO {APP_GROUP}")
        alive, expired = uuid4(), uuid4()
        await owner.execute(
            "INSERT INTO auth.session VALUES ($1, now() + '1 day'), ($2, now())", alive, expired
        )
    async with open_pool(login_of(APP_GROUP, owner_url, SECRET), size=1) as pool:
        database = Database(pool)
        async with database.transaction(uuid4(), LiveSession(alive)):
            pass
        assert await database.glance(uuid4(), LiveSession(alive)).one(COUNT_USERS)
        for session_id in (expired, uuid4()):
            with pytest.raises(Unauthenticated):
                async with database.transaction(uuid4(), LiveSession(session_id)):
                    pass
            with pytest.raises(Unauthenticated):
                await database.glance(uuid4(), LiveSession(session_id)).one(COUNT_USERS)


async def test_an_answer_leaves_after_the_commit(service: Service, alice: Person) -> None:
    async with connect(service.owner_url) as owner:
        await owner.execute(
            """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
               'BEGIN RAISE EXCEPTION ''no commit''; END'"""
        )
        await owner.execute(
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON todos INITIALLY DEFERRED FOR EACH ROW"
            " WHEN (NEW.title = 'Never stored') EXECUTE FUNCTION refuse()"
        )

    response = await alice.post("/api/todos", json={"title": "Never stored"})

    assert response.status_code == 500
    assert (await alice.get("/api/todos")).json()["total"] == 0
