"""How long one request takes with nobody else there: in small tables and large, at the top and deep down."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx2

from benchmarks.crowd import header
from benchmarks.load import Load, Sample
from benchmarks.population import Population
from benchmarks.progress import say
from benchmarks.requests import OURS, Asked, Job
from benchmarks.size import Size
from benchmarks.stage import Stage, fill_product, start
from tests.e2e.product import Product
from tests.e2e.waiting import until
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.features.todos.repository.search import LEFT_OUT_MAX

_SMALL = Size(10_000)
_DEEP_PAGES = 5_000
_BATCH = [{"op": "create", "todo": {"title": f"Number {number}"}} for number in range(100)]


@dataclass(frozen=True)
class Probe:
    """One request that is sent again and again."""

    name: str
    asked: Asked
    address: tuple[str, int]
    tag: bytes = OURS.tag


def latencies(stage: Stage, folder: Path, rounds: int, seconds: float) -> dict[str, float]:
    """Give the median milliseconds of each probe, which take turns."""
    small_url = asyncio.run(_create_database(stage.product.owner_url, "small"))
    with closing(Product(folder / "small")) as small:
        start(small, TODO_DATABASE_URL=str(small_url))
        tokens = fill_product(small, Population(_SMALL), small_url)
        probes = [
            _page("page, 10,000 rows", small, tokens[0], "limit=20"),
            _page("page of a light user, 10,000 rows", small, tokens[1], "limit=20"),
            *_probes(stage),
        ]
        seen: dict[str, list[float]] = {probe.name: [] for probe in probes}
        for number in range(1, rounds + 1):
            say(f"one at a time, round {number} of {rounds}")
            for probe in probes:
                load = Load(probe.address, probe.tag)
                seen[probe.name].append(median(_sampled(load, probe.asked, seconds).latencies) * 1000)
        return {name: median(values) for name, values in seen.items()}


def _probes(stage: Stage) -> list[Probe]:
    # Who writes is somebody else: what is written would have to be passed by on the way to older todos.
    product, heavy, light, writer = stage.product, stage.tokens[0], stage.tokens[1], stage.tokens[3]
    _have_indexed(stage)
    deep = _deep_cursor(product, heavy, stage.population.size.heavy)
    return [
        _page("page", product, heavy, "limit=20"),
        _page("page, 5,000 deep", product, heavy, f"limit=20&cursor={deep}"),
        _page("page of a light user", product, light, "limit=20"),
        _page("page of active and high", product, heavy, "limit=20&status=active&priority=high"),
        _page("page, light, active and high", product, light, "limit=20&status=active&priority=high"),
        _page("search, few matches", product, heavy, "limit=20&q=" + _rare_word(stage)),
        _page("search, a word of every fifth", product, heavy, "limit=20&q=zahnarzt"),
        _page("search, two words", product, heavy, "limit=20&q=zahnarzt+milk"),
        _page("search, one letter", product, heavy, "limit=20&q=m"),
        _page("search, active and high", product, heavy, "limit=20&q=mil&status=active&priority=high"),
        _page("search of a light user", product, light, "limit=20&q=zahnarzt"),
        _post("create", product, writer, "", {"title": "Water the plants"}),
        _post("batch of 100", product, writer, "/batch", {"operations": _BATCH}),
    ]


def _page(name: str, product: Product, token: str, query: str) -> Probe:
    wire = f"GET /api/todos?{query} HTTP/1.1\r\nHost: bench\r\n".encode() + header(token) + b"\r\n"
    return Probe(name, Asked(Job.LIST, wire, 200, b'"total":'), ("127.0.0.1", product.port))


def _post(name: str, product: Product, token: str, path: str, content: dict[str, Any]) -> Probe:
    body = json.dumps(content).encode()
    head = f"POST /api/todos{path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    wire = f"{head}Content-Length: {len(body)}\r\n".encode() + header(token) + b"\r\n" + body
    # A batch is 200 and has no version of its own.
    asked = Asked(Job.CREATE, wire, 200 if path else 201, b'"title":')
    return Probe(name, asked, ("127.0.0.1", product.port), b"" if path else OURS.tag)


def _sampled(load: Load, asked: Asked, seconds: float) -> Sample:
    """Ask again and again for so long; longer, if that was too short for one answer."""
    while True:
        sample = load.closed(_again(asked), connections=1, seconds=seconds, warm_up=0.1)
        if sample.latencies:
            return sample
        seconds *= 2


def _again(asked: Asked) -> Iterator[Asked]:
    while True:
        yield asked


def _deep_cursor(product: Product, token: str, count: int) -> str:
    """Walk down to the last page that is reached after so many of twenty, or as deep as it goes."""
    skipped = min(_DEEP_PAGES * 20, count) - 20
    with httpx2.Client(base_url=product.address, headers={"authorization": f"Bearer {token}"}) as client:
        query: dict[str, Any] = {}
        while skipped:
            step = min(100, skipped)
            page = client.get("/api/todos", params={**query, "limit": step}).json()
            query = {"cursor": page["page"]["next_cursor"]}
            skipped -= step
    return str(query["cursor"])


def _rare_word(stage: Stage) -> str:
    # Numbers of the most digits begin no other.
    last = len(str(stage.population.size.todos)) - 1
    words = (row.title.split()[-1] for row in stage.population.todos() if row.owner == 0)
    return next(word for word in words if len(word) >= last)


def _have_indexed(stage: Stage) -> None:
    """Search once, and wait until what was not in the index yet is in it."""
    heavy = stage.population.people[0]
    headers = {"authorization": f"Bearer {stage.tokens[0]}"}
    httpx2.get(
        f"{stage.product.address}/api/todos", params={"q": "milk"}, headers=headers, timeout=60
    ).raise_for_status()

    async def is_indexed() -> bool:
        async with connect(stage.product.owner_url) as owner:
            return bool(
                await owner.fetchval("SELECT indexed_seq = change_seq FROM users WHERE id = $1", heavy.id)
            )

    if stage.population.size.heavy > LEFT_OUT_MAX:
        asyncio.run(until(is_indexed, "the heavy user's todos are in the index", seconds=300))


async def _create_database(url: DatabaseUrl, name: str) -> DatabaseUrl:
    """Make one more database on the same server."""
    async with connect(url) as owner:
        await owner.execute(f"CREATE DATABASE {name}")
    return DatabaseUrl(url.user, url.password, url.location, name, url.parameters)
