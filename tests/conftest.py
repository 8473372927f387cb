"""What every test may ask for: a database as in production, tokens, and people who are signed in."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.factories import Issuer, Person, Service, run_service
from todo.database.embedded import EmbeddedPostgres
from todo.database.url import DatabaseUrl

# Time says how busy the machine is, and nothing of what is tested.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
_FOLDER_OF_OUR_OWN = pytest.StashKey[str]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give each run a folder of its own: the next run shuts the common one to the account of PostgreSQL."""
    if config.option.basetemp is None:
        config.option.basetemp = config.stash[_FOLDER_OF_OUR_OWN] = tempfile.mkdtemp(prefix="todo-tests-")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Leave the folder there only if something failed."""
    folder = session.config.stash.get(_FOLDER_OF_OUR_OWN, None)
    if folder is not None and exitstatus != pytest.ExitCode.TESTS_FAILED:
        shutil.rmtree(folder, ignore_errors=True)


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
