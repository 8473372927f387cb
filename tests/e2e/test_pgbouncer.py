"""The product behind PgBouncer in transaction mode: many clients, few connections to the server."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.people import People
from tests.e2e.pgbouncer import PgBouncer, pgbouncer
from tests.e2e.postgres import ForeignServer, database_of_its_own, foreign_server
from tests.e2e.product import Product
from tests.e2e.waiting import until, until_answered
from tests.factories import Person
from tests.streams import following
from todo.database.embedded import binaries
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

SERVER_CONNECTIONS = 4
PEOPLE = 8
ROUNDS = 6
IN_USE = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename LIKE $1 || '%'
"""


@pytest.fixture(scope="module")
def hosting_server(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignServer]:
    """A PostgreSQL that nobody has used yet."""
    assert installation.is_dir(), "its start has made the account that PostgreSQL runs as"
    with foreign_server(binaries(), tmp_path_factory.mktemp("behind")) as server:
        yield server


@pytest.fixture(scope="module")
async def database(hosting_server: ForeignServer) -> AsyncIterator[DatabaseUrl]:
    """A database there, at its own address."""
    async with database_of_its_own(hosting_server.url) as url:
        yield url


@pytest.fixture(scope="module")
async def pooler(
    hosting_server: ForeignServer, database: DatabaseUrl, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PgBouncer]:
    """A pooler in front of it."""
    folder = tmp_path_factory.mktemp("pooler")
    async with pgbouncer(folder, hosting_server.url, database.database, size=SERVER_CONNECTIONS) as pooler:
        yield pooler


@pytest.fixture(scope="module")
def pooled(
    database: DatabaseUrl, pooler: PgBouncer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Two workers that reach the database through the pooler."""
    with closing(Product(tmp_path_factory.mktemp("pooled"))) as product:
        product.start(TODO_DATABASE_URL=str(database), TODO_APP_DATABASE_URL=pooler.url, TODO_WORKERS="2")
        yield product


async def live_through_it_all(person: Person, name: str) -> list[str]:
    """Do the whole main job again and again, and give the titles that are left."""
    kept = []
    for number in range(ROUNDS):
        todo = await person.make_todo(f"{name} {number}")
        path = f"/api/todos/{todo['id']}"
        answers = [
            await person.get("/api/todos", params={"q": name, "status": "active"}),
            await person.patch(path, json={"priority": "high"}),
            await person.patch(f"{path}/complete"),
            await person.get(path),
            await person.delete(path),
            await person.patch(f"{path}/restore"),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 204, 200]
        kept.append(todo["title"])
    return kept


async def test_many_people_share_few_connections_and_see_their_own(
    pooled: Product, pooler: PgBouncer, database: DatabaseUrl, people: People
) -> None:
    persons = [await (await people.newcomer(pooled)).person() for _ in range(PEOPLE)]
    before = pooler.transactions()
    async with connect(database) as owner:
        lives = asyncio.gather(
            *(live_through_it_all(person, f"P{number}") for number, person in enumerate(persons))
        )
        most = 0
        while not lives.done():
            most = max(most, await owner.fetchval(IN_USE, "todo_app_"))
            await asyncio.wait([lives], timeout=0.05)
        kept = await lives

    for person, titles in zip(persons, kept, strict=True):
        listed = (await person.get("/api/todos", params={"limit": 100})).json()
        assert sorted(item["title"] for item in listed["items"]) == sorted(titles)
    assert pooler.transactions() - before >= PEOPLE * ROUNDS * 7
    assert most <= SERVER_CONNECTIONS
    assert not [line for line in pooled.output.splitlines() if "prepared statement" in line]


async def test_streams_hear_at_once_for_they_listen_past_the_pooler(
    pooled: Product, hosting_server: ForeignServer, people: People
) -> None:
    person = await (await people.newcomer(pooled)).person()
    async with following(person) as stream, connect(hosting_server.url) as superuser:
        await stream.next()
        await until(
            lambda: superuser.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"),
            "somebody listens",
        )
        todo = await person.make_todo("Heard")

        assert json.loads((await stream.next()).data)["id"] == todo["id"]
    assert "changes are not heard of" not in pooled.output


async def test_sign_in_goes_through_the_pooler_too(
    pooled: Product, database: DatabaseUrl, people: People
) -> None:
    await people.newcomer(pooled)

    async with connect(database) as owner:
        assert 1 <= await owner.fetchval(IN_USE, "todo_auth_") <= SERVER_CONNECTIONS


async def test_a_restart_of_the_server_behind_it_is_over_soon(
    pooled: Product, hosting_server: ForeignServer, people: People
) -> None:
    person = await (await people.newcomer(pooled)).person()
    await asyncio.to_thread(hosting_server.stop)
    refused = await until_answered(lambda: person.get("/api/todos"), 503)
    await asyncio.to_thread(hosting_server.start)

    answers = await until_answered(lambda: person.get("/api/todos"), 200, seconds=10)

    assert {answer.status_code for answer in (*refused, *answers[:-1])} <= {503}
    assert all("retry-after" in answer.headers for answer in (*refused, *answers[:-1]))


def test_a_pooler_that_is_not_called_one_is_found_out(
    database: DatabaseUrl, pooler: PgBouncer, tmp_path: Path
) -> None:
    with closing(Product(tmp_path)) as product:
        refusal = product.refuse(TODO_DATABASE_URL=str(database), TODO_APP_DATABASE_URL=pooler.unnamed_url)

    assert refusal.exit_code == 1
    assert "is a pooler that hands connections round" in refusal.sentences[-1]
    assert "?pgbouncer=true" in refusal.sentences[-1]


def test_a_pooler_whose_server_is_not_known_is_refused(pooler: PgBouncer, tmp_path: Path) -> None:
    with closing(Product(tmp_path)) as product:
        refusal = product.refuse(TODO_DATABASE_URL=pooler.url)

    assert refusal.exit_code == 1
    assert "is a pooler: set TODO_DATABASE_URL to the server's own address" in refusal.sentences[-1]
