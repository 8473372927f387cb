"""The same writers, where writes must get lost or be done twice: whether the comparison would see it."""

from tests.torture.bench import Bench
from tests.torture.comparison import Difference, compare
from tests.torture.faults import TWO_WORKERS, accepting, kill_postgres, kill_workers
from tests.torture.figures import Figure, Results, at_least, shown
from tests.torture.load import writing
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

_TRIES = 20
_WRITES_BEFORE = 100
# Commits are answered before they are written, and nothing hurries to write them.
_CARELESS = {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}


async def controls(bench: Bench) -> Results:
    """What the comparison of `kills` would say of a product that loses writes, or does them twice.

    With PostgreSQL set to answer before it has written, and then killed, writes must be missing; without
    idempotency keys, and with workers killed whose writes PostgreSQL goes on with, writes must be there
    twice. Tried up to 20 times each: promised is that it is seen.
    """
    bench.tell("controls: commits that are not durable")
    lost, kills_of_postgres = await _careless_database(bench)
    bench.tell(f"controls: saw {lost} lost; now retries without a key")
    twice, kills_of_workers = await _keyless_writers(bench)
    bench.tell(f"controls: saw {twice} done twice")
    return {
        "controls: synchronous_commit = off": [
            shown("kills of PostgreSQL", kills_of_postgres),
            _seen("acknowledged writes seen lost", lost),
        ],
        "controls: no idempotency key": [
            shown("kills of all workers", kills_of_workers),
            _seen("writes seen done twice", twice),
        ],
    }


async def _careless_database(bench: Bench) -> tuple[int, int]:
    for tries in range(1, _TRIES + 1):
        with bench.product() as product:
            product.start(**TWO_WORKERS)
            async with bench.people() as people, writing(product, people) as journal:
                await _make_careless(product.owner_url)
                await journal.until_written(_WRITES_BEFORE)
                await kill_postgres(product, 1)
            await accepting(product.owner_url)
            difference = await compare(journal, product.owner_url)
        if difference.lost:
            return difference.lost, tries
    return 0, _TRIES


async def _make_careless(url: DatabaseUrl) -> None:
    async with connect(url) as owner:
        for setting, value in _CARELESS.items():
            await owner.execute(f"ALTER SYSTEM SET {setting} = '{value}'")
        await owner.execute("SELECT pg_reload_conf()")


async def _keyless_writers(bench: Bench) -> tuple[int, int]:
    difference, tries = Difference(0, 0), 0
    with bench.product() as product:
        product.start(**TWO_WORKERS)
        async with bench.people() as people, writing(product, people, keyed=False) as journal:
            while not difference.twice and tries < _TRIES:
                tries += 1
                await journal.until_written(_WRITES_BEFORE)
                await journal.recovery(await kill_workers(product, tries))
                difference = await compare(journal, product.owner_url)
    return difference.twice, tries


def _seen(name: str, count: int) -> Figure:
    return at_least(name, count, 1)
