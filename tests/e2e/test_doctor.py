"""`todo doctor` finds what an operator would look for, and says what to do about it."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.postgres import certify, database_of_its_own, foreign_postgres
from tests.e2e.product import Product
from tests.e2e.test_external_database import OLDEST
from tests.e2e.waiting import until
from todo.database.embedded import binaries
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

Findings = dict[str, tuple[str, str]]


@dataclass(frozen=True)
class Hosted:
    """A database that somebody else runs, and an installation on it that is not running."""

    server: DatabaseUrl
    url: DatabaseUrl
    product: Product

    def examined(self, url: str = "", **environment: str) -> tuple[int, Findings]:
        return examined(self.product, TODO_DATABASE_URL=url or str(self.url), **environment)

    @asynccontextmanager
    async def set(self, role: str, change: str, undo: str) -> AsyncIterator[None]:
        """Change a role as the server's operator can, for a while."""
        async with connect(self.server) as superuser:
            name = await superuser.fetchval("SELECT max(rolname) FROM pg_roles WHERE rolname ~ $1", role)
            await superuser.execute(f'ALTER ROLE "{name}" {change}')
            try:
                yield
            finally:
                await superuser.execute(f'ALTER ROLE "{name}" {undo}')


@pytest.fixture(scope="module")
def hosting_server(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseUrl]:
    """A server nobody has used yet."""
    assert installation.is_dir(), "its start has made the account that PostgreSQL runs as"
    with foreign_postgres(binaries(), tmp_path_factory.mktemp("hosting")) as server:
        yield server


@pytest.fixture
def encrypting_server(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseUrl]:
    """A server nobody has used yet, which has a certificate."""
    assert installation.is_dir(), "its start has made the account that PostgreSQL runs as"
    if not (OLDEST / "postgres").exists():
        pytest.skip(f"NOT TESTED WITH TLS: the embedded PostgreSQL cannot, and {OLDEST} has none")
    folder = tmp_path_factory.mktemp("encrypting")
    with foreign_postgres(OLDEST, folder) as server:
        certify(folder / "cluster")
        yield server


@pytest.fixture(scope="module")
async def hosted(
    hosting_server: DatabaseUrl, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hosted]:
    """A hosted database with the schema this version needs."""
    async with hosted_on(hosting_server, tmp_path_factory.mktemp("visitor")) as hosted:
        yield hosted


@asynccontextmanager
async def hosted_on(server: DatabaseUrl, folder: Path, parameters: str = "") -> AsyncIterator[Hosted]:
    async with database_of_its_own(server) as url:
        with closing(Product(folder)) as product:
            migrated = product.run("migrate", TODO_DATABASE_URL=f"{url}{parameters}")
            assert migrated.returncode == 0, migrated.stderr
            yield Hosted(server, url, product)


def examined(product: Product, **environment: str) -> tuple[int, Findings]:
    """Give the exit code, and what was found of each subject."""
    finished = product.run("doctor", "--json", **environment)
    found = [json.loads(line) for line in finished.stdout.splitlines()]
    assert found, finished.stderr
    return finished.returncode, {item["subject"]: (item["state"], item["says"]) for item in found}


def test_a_running_product_is_well_in_every_respect(product: Product) -> None:
    exit_code, found = examined(product)

    assert (exit_code, {state for state, _ in found.values()}) == (0, {"ok"})
    assert {"Service", "Sign-in", "Durability", "Schema", "Isolation", "Connections", "Clock"} <= found.keys()
    assert found["Sign-in"][1] == f"keys at {product.address}/api/auth/jwks"
    assert "fsync = on" in found["Durability"][1]
    assert "up to 29 of the" in found["Connections"][1]
    assert str(product.data_dir / "postgres" / "server.log") in found["Logs"][1]


def test_for_people_it_is_one_line_each(product: Product) -> None:
    finished = product.run("doctor")

    assert finished.returncode == 0
    assert all(line.startswith("ok   ") for line in finished.stdout.splitlines())
    assert product.secret not in finished.stdout


def test_more_workers_than_the_database_has_connections_are_found(product: Product) -> None:
    exit_code, found = examined(product, TODO_WORKERS="12")

    assert (exit_code, found["Connections"][0]) == (1, "FAIL")
    assert "Up to 260 connections are needed (252 by workers)" in found["Connections"][1]
    assert "lower TODO_WORKERS or TODO_POOL_SIZE" in found["Connections"][1]


def test_an_auth_server_that_stands_still_is_found(product: Product) -> None:
    child = product.auth_server()
    child.suspend()
    try:
        exit_code, found = examined(product)
    finally:
        child.resume()

    assert (exit_code, found["Sign-in"][0], found["Service"][0]) == (1, "FAIL", "ok")
    assert "tokens cannot be checked" in found["Sign-in"][1]


def test_a_hosted_database_is_looked_at_without_a_running_service(hosted: Hosted) -> None:
    exit_code, found = hosted.examined()

    assert (exit_code, {state for state, _ in found.values()}) == (0, {"ok"})
    assert found["Encryption"][1] == "not needed on this machine"
    assert "those of PostgreSQL are with its host" in found["Logs"][1]


def test_a_pooler_is_noted_and_explained(hosted: Hosted) -> None:
    address = f"postgresql://{hosted.url.location}/{hosted.url.database}?pgbouncer=true"
    exit_code, found = hosted.examined(TODO_APP_DATABASE_URL=address)

    assert (exit_code, found["Connections"][0]) == (0, "note")
    assert "must let in 17 clients" in found["Connections"][1]


async def test_a_limit_of_the_role_is_found(hosted: Hosted) -> None:
    async with hosted.set("^todo_app_", "CONNECTION LIMIT 4", "CONNECTION LIMIT -1"):
        exit_code, found = hosted.examined()

    assert (exit_code, found["Connections"][0]) == (1, "FAIL")
    assert "the database allows 4" in found["Connections"][1]


async def test_commits_that_are_not_waited_for_are_found(hosted: Hosted) -> None:
    async with hosted.set("^managed_", "SET synchronous_commit = off", "RESET synchronous_commit"):
        exit_code, found = hosted.examined()

    assert (exit_code, found["Durability"][0]) == (1, "FAIL")
    assert "a crash would lose acknowledged todos" in found["Durability"][1]


async def test_a_database_in_another_time_is_found(hosted: Hosted) -> None:
    async with connect(hosted.url) as owner:
        await owner.execute(
            "CREATE SCHEMA ahead; CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
            "AS $$ SELECT pg_catalog.clock_timestamp() + interval '90 seconds' $$"
        )
    async with hosted.set("^managed_", "SET search_path = ahead, pg_catalog, public", "RESET search_path"):
        exit_code, found = hosted.examined()

    assert (exit_code, found["Clock"][0]) == (1, "FAIL")
    assert "are 90 s apart" in found["Clock"][1]


def test_a_connection_in_the_clear_to_another_machine_is_noted(hosted: Hosted) -> None:
    # The kernel takes this address for the machine itself, and nobody else does.
    elsewhere = str(hosted.url).replace("127.0.0.1", "0.0.0.0")  # noqa: S104  # nothing is bound to it

    exit_code, found = hosted.examined(elsewhere)

    assert (exit_code, found["Encryption"][0]) == (0, "note")
    assert "add ?sslmode=require" in found["Encryption"][1]
    assert hosted.url.password not in found["Encryption"][1]


async def test_an_encrypted_connection_is_told(encrypting_server: DatabaseUrl, tmp_path: Path) -> None:
    async with connect(encrypting_server) as superuser:
        await superuser.execute("ALTER SYSTEM SET ssl = on")
        await superuser.execute("SELECT pg_reload_conf()")
    await until(lambda: is_encrypted(encrypting_server), "it speaks TLS")
    async with hosted_on(encrypting_server, tmp_path, "?sslmode=require") as hosted:
        exit_code, found = hosted.examined(f"{hosted.url}?sslmode=require")

    assert (exit_code, found["Encryption"]) == (0, ("ok", f"TLSv1.3 to {hosted.url.location}"))


async def is_encrypted(server: DatabaseUrl) -> bool:
    async with connect(server) as connection:
        how = await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        return bool(how)
