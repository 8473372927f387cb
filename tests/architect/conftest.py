"""The running system, set up and examined once."""

from collections.abc import AsyncIterator

import pytest

from tests.isolation.copies import ROOT
from todo.app import create_app
from todo.architect.bench import Bench, bench
from todo.database.url import DatabaseUrl


@pytest.fixture(scope="session")
async def place(server: DatabaseUrl) -> AsyncIterator[Bench]:
    """A scratch database with the running system on it, probed, to judge it and to try designs on."""
    async with bench(server, create_app, ROOT, probing=True) as place:
        yield place
