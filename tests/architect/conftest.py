"""The running system, set up once to try designs on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from todo.app import create_app
from todo.architect.verifying import Bench, bench
from todo.database.url import DatabaseUrl

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
async def place(server: DatabaseUrl) -> AsyncIterator[Bench]:
    """A scratch database with the running system on it."""
    async with bench(server, create_app, ROOT) as place:
        yield place
