"""The product on a PostgreSQL that somebody else runs."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.people import People
from tests.e2e.postgres import database_of_its_own, foreign_postgres, over_tls_alone
from tests.e2e.product import Product
from todo.database.embedded import binaries
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

OLDEST = Path(os.environ.get("TEST_POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))


@pytest.fixture(scope="module", params=["newest", "oldest"])
def hosting_server(
    installation: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DatabaseUrl]:
    """A server nobody has used yet, of the newest PostgreSQL and of the oldest that is promised to do."""
    assert installation.is_dir(), "its start has made the account that PostgreSQL runs as"
    programs = binaries() if request.param == "newest" else OLDEST
    if not (programs / "postgres").exists():
        pytest.skip(f"NOT TESTED ON THE OLDEST POSTGRESQL: {OLDEST} has none; see TEST_POSTGRES_BIN")
    with foreign_postgres(programs, tmp_path_factory.mktemp(f"postgres-{request.param}")) as url:
        yield url


@pytest.fixture
async def hosted_database(hosting_server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """A database there, owned by a role that is no superuser."""
    async with database_of_its_own(hosting_server) as url:
        yield url


@pytest.fixture
def hosted_product(tmp_path: Path) -> Iterator[Product]:
    """A product on an empty folder, not started yet."""
    with closing(Product(tmp_path)) as product:
        yield product


async def test_a_person_finds_their_todos_in_the_hosted_database_after_a_second_start(
    hosted_product: Product, hosted_database: DatabaseUrl, people: People
) -> None:
    # The parameters are those of the string that a hosting console shows, but for the certificate.
    url = f"{hosted_database}?sslmode=disable&channel_binding=prefer"
    hosted_product.start(TODO_DATABASE_URL=url)
    account = await people.newcomer(hosted_product)
    todo = await (await account.person()).make_todo("Kept elsewhere")
    hosted_product.stop()

    hosted_product.start(TODO_DATABASE_URL=url)

    listed = await (await account.person()).get("/api/todos")
    assert [item["id"] for item in listed.json()["items"]] == [todo["id"]]
    assert not (hosted_product.data_dir / "postgres").exists()
    assert hosted_database.password not in hosted_product.output


@pytest.fixture
def server_with_tls(
    installation: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DatabaseUrl, Path]]:
    """A server that can speak TLS, and its folder; the PostgreSQL we embed cannot."""
    assert installation.is_dir(), "its start has made the account that PostgreSQL runs as"
    if not (OLDEST / "postgres").exists():
        pytest.skip(f"NOT TESTED WITH TLS: {OLDEST} has no PostgreSQL; see TEST_POSTGRES_BIN")
    folder = tmp_path_factory.mktemp("strict")
    with foreign_postgres(OLDEST, folder) as server:
        yield server, folder / "cluster"


async def test_everything_goes_over_tls_with_the_parameters_that_neon_shows(
    hosted_product: Product, server_with_tls: tuple[DatabaseUrl, Path], people: People
) -> None:
    strict = await over_tls_alone(*server_with_tls)
    async with database_of_its_own(strict) as url:
        # But for the certificate, which is not of an authority that everybody knows.
        certificate = dict(strict.parameters)["sslrootcert"]
        parameters = f"sslmode=verify-full&sslrootcert={certificate}&channel_binding=require"
        hosted_product.start(TODO_DATABASE_URL=f"{url}?{parameters}")
        person = await (await people.newcomer(hosted_product)).person()
        await person.make_todo("Kept safe on the way")

        async with connect(strict) as superuser:
            rows = await superuser.fetch(
                "SELECT left(usename, 9) AS role, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)"
                " WHERE usename LIKE 'todo%'"
            )
        hosted_product.stop()

    assert {(row["role"], row["ssl"]) for row in rows} == {("todo_app_", True), ("todo_auth", True)}
