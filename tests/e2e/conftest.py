"""Running products, and people who use them."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import fasteners
import pytest

from tests.e2e.apps import Browser
from tests.e2e.people import Account, People
from tests.e2e.postgres import foreign_postgres
from tests.e2e.product import Product, copied_product
from todo.database.embedded import binaries
from todo.database.url import DatabaseUrl


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a product that was started once and stopped: empty, and quick to start from.

    One is enough for all processes that run tests.
    """
    own = tmp_path_factory.getbasetemp()
    # The account that PostgreSQL runs as has to get to what this process makes of its own.
    own.chmod(0o711)
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, whole = shared / "installation", shared / "installation.whole"
    with fasteners.InterProcessLock(shared / "installation.lock"):
        if not whole.exists():
            with closing(Product(folder)) as product:
                product.start()
                assert product.stop() == 0
            whole.touch()
    return folder


@pytest.fixture(scope="session")
def product(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product that all tests share which leave it as it is."""
    with copied_product(installation, tmp_path_factory.mktemp("shared")) as product:
        product.start()
        yield product


@pytest.fixture
def own_product(installation: Path, tmp_path: Path) -> Iterator[Product]:
    """A product for this test alone, not started yet."""
    with copied_product(installation, tmp_path) as product:
        yield product


@pytest.fixture(scope="module")
def sturdy_product(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An installation that outlives the tests of a module, each of which may end what runs of it."""
    with copied_product(installation, tmp_path_factory.mktemp("sturdy")) as product:
        yield product


@pytest.fixture
def alone(sturdy_product: Product) -> Product:
    """The sturdy installation, up, with one process that answers."""
    if sturdy_product.workers():
        sturdy_product.stop()
    sturdy_product.ensure_started()
    return sturdy_product


@pytest.fixture
def pair(sturdy_product: Product) -> Product:
    """The sturdy installation, up, with two workers that answer."""
    if not sturdy_product.workers() and sturdy_product.family():
        sturdy_product.stop()
    sturdy_product.ensure_started(TODO_WORKERS="2")
    return sturdy_product


@pytest.fixture
async def people() -> AsyncIterator[People]:
    """Those who use it."""
    async with AsyncExitStack() as stack:
        yield People(stack)


@pytest.fixture
async def account(people: People, product: Product) -> Account:
    """Somebody who has just signed up with the shared product."""
    return await people.newcomer(product)


@pytest.fixture
async def browser(people: People, product: Product, account: Account) -> Browser:
    """The browser in which they are signed in."""
    return await Browser.of(product, account, people)


@pytest.fixture(scope="session")
def foreign_server(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseUrl]:
    """A PostgreSQL 18 that is not the product's, as its superuser reaches it."""
    assert installation.is_dir(), "its start has made the account that PostgreSQL runs as"
    with foreign_postgres(binaries(), tmp_path_factory.mktemp("postgres-18")) as url:
        yield url
