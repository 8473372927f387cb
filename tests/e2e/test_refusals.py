"""Starts that cannot succeed end at once, with one sentence that says what to do."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.product import Product, Refusal, free_port
from todo.database.engine import connect
from todo.database.url import DatabaseUrl


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Product]:
    """A product that was never started."""
    with closing(Product(tmp_path / "never-started")) as product:
        yield product


def assert_refused(refusal: Refusal, *words: str) -> None:
    """Check that it ended with one sentence in which these words occur."""
    assert refusal.exit_code == 1, refusal.output
    assert len(refusal.sentences) == 1, refusal.output
    assert [word for word in words if word not in refusal.sentences[0]] == [], refusal.output
    assert "Traceback" not in refusal.output


def test_a_port_in_use_is_refused_before_anything_is_made(product: Product, newcomer: Product) -> None:
    refusal = newcomer.refuse(TODO_PORT=str(product.port))

    assert_refused(refusal, str(product.port), "TODO_PORT")
    assert not newcomer.data_dir.exists()


def test_a_second_product_on_the_same_folder_is_refused(product: Product, newcomer: Product) -> None:
    refusal = newcomer.refuse(TODO_DATA_DIR=str(product.data_dir))

    assert_refused(refusal, str(product.data_dir), "TODO_DATA_DIR")


@pytest.mark.parametrize("folder", ["/proc/todo", "{file}/sub"])
def test_a_folder_that_cannot_be_written_to_is_refused(newcomer: Product, folder: str) -> None:
    newcomer.folder.mkdir()
    file = newcomer.folder / "file"
    file.touch()

    refusal = newcomer.refuse(TODO_DATA_DIR=folder.format(file=file))

    assert_refused(refusal, "TODO_DATA_DIR", folder.format(file=file))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TODO_PORT", "abc"),
        ("TODO_HOST", "no.such.host.invalid"),
        ("TODO_ORIGIN", "localhost:8000"),
        ("TODO_DATABASE_URL", "mysql://localhost/todo"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_its_name(
    newcomer: Product, name: str, value: str
) -> None:
    refusal = newcomer.refuse(**{name: value})

    assert_refused(refusal, name)


def test_an_outside_issuer_without_its_keys_is_refused(newcomer: Product) -> None:
    refusal = newcomer.refuse(TODO_AUTH_ISSUER="https://issuer.example")

    assert_refused(refusal, "TODO_AUTH_ISSUER", "TODO_AUTH_JWKS_URL")


def test_a_database_that_nobody_serves_is_refused(newcomer: Product) -> None:
    port = free_port()

    refusal = newcomer.refuse(TODO_DATABASE_URL=f"postgresql://owner:hidden-word@127.0.0.1:{port}/todo")

    assert_refused(refusal, "TODO_DATABASE_URL", f"127.0.0.1:{port}")
    assert "hidden-word" not in refusal.output


@pytest.mark.parametrize(("user", "database"), [("postgres", "postgres"), ("nobody", "postgres")])
def test_a_database_that_does_not_let_us_in_is_refused(
    newcomer: Product, foreign_server: DatabaseUrl, user: str, database: str
) -> None:
    url = DatabaseUrl(user, "hidden-word", foreign_server.location, database, ())

    refusal = newcomer.refuse(TODO_DATABASE_URL=str(url))

    assert_refused(refusal, "password", user)
    assert "hidden-word" not in refusal.output


def test_a_database_that_does_not_exist_is_refused(newcomer: Product, foreign_server: DatabaseUrl) -> None:
    url = DatabaseUrl("postgres", foreign_server.password, foreign_server.location, "nowhere", ())

    refusal = newcomer.refuse(TODO_DATABASE_URL=str(url))

    assert_refused(refusal, "nowhere")


@pytest.mark.parametrize("right", ["", "CREATEROLE"])
async def test_an_owner_who_may_not_make_or_give_our_roles_is_refused(
    newcomer: Product, foreign_server: DatabaseUrl, right: str
) -> None:
    name = f"poor_{uuid4().hex[:8]}"
    async with connect(foreign_server) as superuser:
        await superuser.execute(f"CREATE ROLE {name} LOGIN {right} PASSWORD 'poor'")
        await superuser.execute(f"CREATE DATABASE {name} OWNER {name}")
        if right:
            await superuser.execute("CREATE ROLE todo_app; CREATE ROLE todo_auth")
    url = DatabaseUrl(name, "poor", foreign_server.location, name, ())

    refusal = newcomer.refuse(TODO_DATABASE_URL=str(url))

    assert_refused(refusal, name)


async def test_a_superuser_as_the_role_of_the_service_is_refused(
    newcomer: Product, foreign_server: DatabaseUrl
) -> None:
    async with connect(foreign_server) as superuser:
        await superuser.execute("CREATE DATABASE superuser_test")
    url = DatabaseUrl("postgres", foreign_server.password, foreign_server.location, "superuser_test", ())

    refusal = newcomer.refuse(TODO_DATABASE_URL=str(url), TODO_APP_DATABASE_URL=str(url))

    assert_refused(refusal, "row-level security", "TODO_APP_DATABASE_URL")
