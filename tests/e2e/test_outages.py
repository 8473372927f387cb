"""What hosts do to connections and databases, and what people notice of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.e2e.people import Account, People
from tests.e2e.product import Product
from tests.e2e.waiting import until, until_answered
from tests.factories import Person
from tests.torture.comparison import compare, compare_listed
from tests.torture.load import writing
from todo.database.engine import Connection, connect

OURS = "backend_type = 'client backend' AND usename ~ '^todo_(app|auth)_'"
KILL_IDLE = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS} AND state = 'idle'"
COUNT = f"SELECT count(*) FROM pg_stat_activity WHERE {OURS}"
TIMES = 5


@pytest.fixture
async def superuser(pair: Product) -> AsyncIterator[Connection]:
    """Who runs the database that a started product with two workers works on."""
    async with connect(pair.owner_url) as connection:
        yield connection


async def test_connections_killed_while_idle_are_noticed_by_nobody(
    pair: Product, superuser: Connection, people: People
) -> None:
    accounts = [await people.newcomer(pair) for _ in range(4)]
    persons = [await account.person() for account in accounts]
    for _ in range(TIMES):
        await until(lambda: has_killed_all(superuser), "all of them are gone")

        statuses = await asyncio.gather(
            *(write(person) for person in persons * 2),
            *(read(person) for person in persons * 2),
            *(renew(account) for account in accounts),
            is_ready(persons[0]),
        )

        assert set(statuses) <= {200, 201}


async def test_connections_killed_under_writers_cost_no_write(
    pair: Product, superuser: Connection, people: People
) -> None:
    async with writing(pair, people) as journal:
        for _ in range(TIMES):
            await journal.until_written(40)
            await superuser.execute(KILL_IDLE)
        await journal.until_written(40)

    stored, listed = await compare(journal, pair.owner_url), await compare_listed(journal)
    refusals = [answer for answer in journal.answers if not answer.is_success and not answer.is_in_flight]
    assert {stored.lost, stored.twice, listed.lost, listed.twice} == {0}
    # One that began its work between the look and the kill is told to come again.
    assert {answer.status for answer in refusals} <= {503}
    assert all(answer.says_when_to_retry for answer in refusals)


async def test_a_primary_that_only_reads_refuses_writes_for_now_and_answers_reads(
    pair: Product, superuser: Connection, people: People
) -> None:
    account = await people.newcomer(pair)
    person = await account.person()
    todo = await person.make_todo("Written before")
    address = f"/api/todos/{todo['id']}"

    async with only_reading(superuser):
        await until_answered(lambda: person.patch(address, json={"priority": "high"}), 503)
        refused = [
            await person.post("/api/todos", json={"title": "Not now"}),
            await person.patch(f"{address}/complete"),
            await person.delete(address),
            await person.post("/api/keys", json={"name": "Not now"}),
            await person.post("/api/todos/batch", json={"operations": [{"op": "delete", "id": todo["id"]}]}),
        ]
        read = [await person.get(path) for path in ("/api/todos", address, "/api/todos/changes")]
        ready = await person.client.get("/health/ready")
        renewed = await renew(account)
        signed_in = await account.sign_in()

    assert [(answer.status_code, answer.headers.get("retry-after")) for answer in refused] == [(503, "1")] * 5
    assert [answer.status_code for answer in read] == [200, 200, 200]
    assert read[1].json()["priority"] == "medium"
    assert (ready.status_code, renewed, signed_in.status_code) == (200, 200, 503)

    await until_answered(lambda: person.patch(f"{address}/complete"), 200)
    assert (await account.sign_in()).status_code == 200


@asynccontextmanager
async def only_reading(superuser: Connection) -> AsyncIterator[None]:
    """Have the server take no writes for a while, as a failed-over or a full one does."""
    await superuser.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    await superuser.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        await superuser.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await superuser.execute("SELECT pg_reload_conf()")


async def has_killed_all(superuser: Connection) -> bool:
    # Telling the streams of a change comes after its answer, and may open one anew.
    await superuser.execute(KILL_IDLE)
    return int(await superuser.fetchval(COUNT)) == 0


async def write(person: Person) -> int:
    return (await person.post("/api/todos", json={"title": "Written"})).status_code


async def read(person: Person) -> int:
    return (await person.get("/api/todos")).status_code


async def renew(account: Account) -> int:
    return (await account.ask("GET", "token")).status_code


async def is_ready(person: Person) -> int:
    return (await person.client.get("/health/ready")).status_code
