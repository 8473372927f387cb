"""Brings up everything that is measured, on one embedded PostgreSQL."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

from benchmarks.crowd import Crowd, Signer, gathered, shared_secret_tokens
from benchmarks.dataset import fill
from benchmarks.pgbench import PgBench, draw_arguments
from benchmarks.population import Population
from benchmarks.progress import say
from benchmarks.recording import record
from benchmarks.requests import HELLO, OURS, PEER
from benchmarks.scripts import REPEATED, Script
from benchmarks.size import Size
from tests.e2e.product import Product, free_port
from tests.e2e.waiting import wait_until
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, login_of
from todo.database.url import DatabaseUrl

_PEER_SECRET = "of a peer that runs for some minutes on this machine alone"  # noqa: S105
# The limiter works as ever; it is only never reached, for some of the load comes from one person.
_NEVER_REACHED = "1000000"
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Stage:
    """What there is to measure, and who asks."""

    product: Product
    population: Population
    crowd: Crowd
    tokens: list[str]
    pgbench: PgBench
    addresses: dict[str, tuple[str, int]]
    others: dict[str, int]

    @property
    def database(self) -> list[int]:
        """Give PostgreSQL's processes."""
        return [process.pid for process in self.product.postgres()]

    def servers(self, name: str) -> list[int]:
        """Give the processes of a contender that answer."""
        if name == OURS.name:
            return [process.pid for process in self.product.takers()]
        return [self.others[name]]


@contextmanager
def staged(size: Size, folder: Path) -> Iterator[Stage]:
    """Bring it all up and fill it; take it down at the end."""
    with ExitStack() as stack:
        say("Starting the product …")
        product = stack.enter_context(closing(Product(folder / "ours")))
        start(product)
        population = Population(size)
        tokens = fill_product(product, population)
        say("Filling the peer …")
        environment = _peer_environment(product.owner_url)
        _prepare_peer(environment)
        crowd = gathered(
            population, {OURS.name: tokens, PEER.name: shared_secret_tokens(population, _PEER_SECRET)}
        )
        pgbench = asyncio.run(_open_pgbench(product, population, folder))
        peer = stack.enter_context(_uvicorn("benchmarks.peer.app:app", folder, **environment))
        hello = stack.enter_context(_uvicorn("benchmarks.hello:app", folder))
        yield Stage(
            product,
            population,
            crowd,
            tokens,
            pgbench,
            addresses={
                OURS.name: ("127.0.0.1", product.port),
                PEER.name: ("127.0.0.1", peer[0]),
                HELLO.name: ("127.0.0.1", hello[0]),
            },
            others={PEER.name: peer[1], HELLO.name: hello[1]},
        )


def start(product: Product, **environment: str) -> None:
    """Start a product as it ships, but with a rate limit that nobody reaches."""
    product.start(TODO_RATE_LIMIT=_NEVER_REACHED, **environment)


def fill_product(product: Product, population: Population, url: DatabaseUrl | None = None) -> list[str]:
    """Fill its database and give everybody's token."""
    signer = Signer()
    asyncio.run(fill(url or product.owner_url, population, signer.public_key, signer.key_id))
    return signer.tokens(population, product.origin)


def _prepare_peer(environment: dict[str, str]) -> None:
    # In a process of its own: its models have the names of ours.
    subprocess.run(  # our own
        [sys.executable, "-m", "benchmarks.peer.prepare"], cwd=_ROOT, env=os.environ | environment, check=True
    )


def _peer_environment(url: DatabaseUrl) -> dict[str, str]:
    host = dict(url.parameters)["host"]
    options = f"host={host}&options=-csearch_path%3Dpeer"
    return {
        "PEER_DATABASE_URL": f"postgresql+psycopg://{url.user}@/{url.database}?{options}",
        "PEER_SECRET": _PEER_SECRET,
    }


async def _open_pgbench(product: Product, population: Population, folder: Path) -> PgBench:
    url = login_of(APP_GROUP, product.owner_url, product.secret.encode())
    others = population.people[2::2]
    async with connect(product.owner_url) as owner:
        await draw_arguments(owner, others)
        person = others[0]
        todo_id = await owner.fetchval(
            "SELECT id FROM todos WHERE user_id = $1 AND completed_at IS NULL AND deleted_at IS NULL LIMIT 1",
            person.id,
        )
    said = await record(url, person, todo_id)
    known = {person.id: "u", person.session_id: "s", todo_id: "t"}
    scripts = {job: Script(turns, known, REPEATED[job]).text for job, turns in said.items()}
    return PgBench(url, folder, scripts, lambda: [process.pid for process in product.postgres()])


@contextmanager
def _uvicorn(app: str, folder: Path, **environment: str) -> Iterator[tuple[int, int]]:
    """Serve an application with one worker; give its port and its process's id."""
    port = free_port()
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  # our own
            [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log"],
            cwd=_ROOT,
            env=os.environ | environment,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: _answers(port), f"{app} answers", seconds=60)
        yield port, process.pid
    finally:
        psutil.Process(process.pid).terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/openapi.json").status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
