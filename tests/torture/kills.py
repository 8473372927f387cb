"""Acknowledged writes outlive every kill."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

from tests.e2e.postgres import database_of_its_own, foreign_server
from tests.e2e.product import Product
from tests.e2e.waiting import until
from tests.torture.bench import SETTINGS, Bench
from tests.torture.comparison import Difference, compare, compare_listed, differences
from tests.torture.faults import (
    AWAY_SECONDS,
    TWO_WORKERS,
    Fault,
    away,
    kill_everything,
    kill_parent,
    kill_postgres,
    kill_worker,
    kill_workers,
)
from tests.torture.figures import Figure, Results, at_least, at_most, none, quantile, shown
from tests.torture.journal import Answer, Journal
from tests.torture.load import writing
from todo.database.embedded import binaries
from todo.database.url import DatabaseUrl

_LONGEST_RECOVERY_SECONDS = 2.0
_LONGEST_503_SECONDS = 3.0
_FAULTS: dict[str, Fault] = {
    "a worker": kill_worker,
    "all workers, their writes under way": kill_workers,
    "the parent": kill_parent,
    "PostgreSQL": kill_postgres,
    "everything": kill_everything,
}
# They must be started again from outside, and that takes what it takes.
_NEED_A_START = {"all workers, their writes under way", "the parent", "everything"}


@dataclass(frozen=True)
class Storm:
    """What came of one kind of fault, done again and again to a product at work."""

    journal: Journal
    stored: Difference
    listed: Difference
    recoveries: list[tuple[float, float]]


async def kills(bench: Bench) -> Results:
    """Eight people write, with idempotency keys and retries, while parts of the product are killed with -9.

    A worker, all workers whose writes PostgreSQL goes on with, the parent, PostgreSQL, and all at once, ten
    times each; then the database is away for 8 s.
    Promised: of 10,000 acknowledged writes none is lost and none is done twice; answers are 2xx or 503, or
    409 for a retry whose first try is still being worked on; a 503 comes within 3 s and says when to retry;
    writes succeed within 2 s of the kill of a worker, or of the moment the database accepts connections.
    """
    storms: dict[str, Storm] = {}
    with bench.product() as product:
        product.start(**TWO_WORKERS)
        for name, fault in _FAULTS.items():
            bench.tell(f"kills: {name}")
            storms[name] = await _endure(bench, product, product.owner_url, fault, bench.times(10, 2))
    async with _hosted(bench) as (product, owner_url, absence):
        bench.tell(f"kills: the database is away for {AWAY_SECONDS:.0f} s")
        storms["database away"] = await _endure(bench, product, owner_url, absence, 1)
    results = {f"kills: {name}": _figures(name, storm) for name, storm in storms.items()}
    writes = sum(storm.journal.writes for storm in storms.values())
    results["kills: all"] = [at_least("acknowledged writes", writes, bench.times(10_000, 500))]
    return results


async def _endure(bench: Bench, product: Product, owner_url: DatabaseUrl, fault: Fault, times: int) -> Storm:
    recoveries: list[tuple[float, float]] = []
    async with bench.people() as people:
        async with writing(product, people) as journal:
            for number in range(times):
                await _all_workers_serve(product)
                await journal.until_written(bench.times(250, 60))
                moment = await fault(product, number)
                recoveries.append(await journal.recovery(moment))
            await journal.until_written(bench.times(250, 60))
        stored = await compare(journal, owner_url)
        listed = await compare_listed(journal)
    return Storm(journal, stored, listed, recoveries)


async def _all_workers_serve(product: Product) -> None:
    """Open connections until every worker has taken one in: then there is one to kill and one to go on."""

    async def has_taken() -> bool:
        _, writer = await asyncio.open_connection("127.0.0.1", product.port)
        with closing(writer):
            workers = product.workers()
            return len(workers) > 1 and all(product.is_connected(worker) for worker in workers)

    await until(has_taken, "every worker serves", seconds=60)


@asynccontextmanager
async def _hosted(bench: Bench) -> AsyncIterator[tuple[Product, DatabaseUrl, Fault]]:
    """Give a product on a PostgreSQL that is not its own, that database's owner, and how it goes away."""
    folder = bench.folder / "hosted"
    folder.mkdir()
    with (
        foreign_server(binaries(), folder) as server,
        closing(Product(bench.folder / "guest", settings=SETTINGS)) as product,
    ):
        async with database_of_its_own(server.url) as url:
            product.start(TODO_DATABASE_URL=f"{url}?sslmode=disable", **TWO_WORKERS)
            yield product, url, away(server)


def _figures(name: str, storm: Storm) -> list[Figure]:
    journal, answers = storm.journal, storm.journal.answers
    refusals = [answer for answer in answers if answer.status == 503]
    others = [answer for answer in answers if not answer.is_success and not answer.may_be_retried]
    return [
        shown("faults", len(storm.recoveries)),
        shown("acknowledged writes", journal.writes),
        *differences(storm.stored, storm.listed),
        none("answers other than 2xx, 503, 409 in flight", len(others)),
        none("503 without Retry-After", sum(not answer.says_when_to_retry for answer in refusals)),
        none("requests without an answer for 30 s", journal.unanswered),
        shown("503", len(refusals)),
        at_most("slowest 503", _slowest(refusals), _LONGEST_503_SECONDS),
        shown("slowest answer of all", _slowest(answers), "s"),
        shown("409 in flight", sum(answer.is_in_flight for answer in answers)),
        shown("connections cut or refused", journal.cut),
        *_recovery(name, storm.recoveries),
    ]


def _recovery(name: str, recoveries: list[tuple[float, float]]) -> list[Figure]:
    first, all_writers = ([pair[place] for pair in recoveries] for place in (0, 1))
    if name in _NEED_A_START:
        return [
            shown("from kill, by a new start, to a success: median", quantile(first, 0.5), "s"),
            shown("from kill, by a new start, to a success of all: worst", max(all_writers), "s"),
        ]
    return [
        shown("recovery, median", quantile(first, 0.5), "s"),
        at_most("recovery, worst", max(first), _LONGEST_RECOVERY_SECONDS),
        shown("recovery of all writers, worst", max(all_writers), "s"),
    ]


def _slowest(answers: list[Answer]) -> float:
    return max((answer.seconds for answer in answers), default=0.0)
