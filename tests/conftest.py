"""What every test may ask for: a database as in production, tokens, and people who are signed in."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.factories import Issuer, Person, Service, run_service
from todo.database.embedded import EmbeddedPostgres
from todo.database.url import DatabaseUrl


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseUrl]:
    """A PostgreSQL of our own."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("data") / "postgres").running() as url:
        yield url


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """An issuer of tokens that is not ours."""
    with Issuer.running() as issuer:
        yield issuer


@pytest.fixture(scope="session")
async def service(server: DatabaseUrl, issuer: Issuer) -> AsyncIterator[Service]:
    """The application on a migrated database, trusting the issuer."""
    async with run_service(server, issuer) as service:
        yield service


@pytest.fixture
def alice(service: Service) -> Person:
    """A person nobody has seen before."""
    return service.person()


@pytest.fixture
def bob(service: Service) -> Person:
    """Another person nobody has seen before."""
    return service.person()
