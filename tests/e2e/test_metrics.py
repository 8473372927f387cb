"""The metrics of the whole product, whichever worker is asked."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.e2e.in_flight import request_in_flight
from tests.e2e.people import People
from tests.e2e.product import Product, copied_product
from tests.e2e.waiting import until
from tests.scraping import Scraped, scrape


@pytest.fixture(scope="module")
def installed(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An installation that keeps in its folder what it needs while it runs."""
    folder = tmp_path_factory.mktemp("pair")
    with copied_product(installation, folder, {"TMPDIR": str(folder)}) as product:
        yield product


@pytest.fixture
def pair(installed: Product) -> Product:
    """The installation, up, with two workers."""
    installed.ensure_started(TODO_WORKERS="2")
    return installed


@pytest.fixture
async def client(pair: Product, people: People) -> httpx2.AsyncClient:
    """Somebody at the machine itself; which worker answers is chance."""
    return await people.client(pair)


async def until_scraped(client: httpx2.AsyncClient, name: str, value: float) -> Scraped:
    """Look until the metric has this value."""
    seen: list[Scraped] = []

    async def has_value() -> bool:
        seen.append(await scrape(client))
        return seen[-1].value(name) == value

    await until(has_value, f"{name} is {value}", seconds=30)
    return seen[-1]


async def test_requests_of_all_workers_are_in_the_total_and_none_twice(pair: Product, people: People) -> None:
    clients = await people.clients_of_all_workers(pair)
    before = [await scrape(client) for client in clients]

    await asyncio.gather(*(client.get("/docs") for client in clients for _ in range(25)))

    after = [await scrape(client) for client in clients]
    assert {now.requests("GET", "/docs", "200") for now in before} == {0}
    assert {now.requests("GET", "/docs", "200") for now in after} == {25 * len(clients)}
    timed = {now.value("http_server_request_duration_seconds_count", http_route="/docs") for now in after}
    assert timed == {25 * len(clients)}


async def test_every_process_is_seen(pair: Product, people: People, client: httpx2.AsyncClient) -> None:
    await people.clients_of_all_workers(pair)

    now = await scrape(client)

    seen = {
        labels["pid"]: labels["process"]
        for name, items in now.series()
        if name == "process_open_fds"
        for labels in [dict(items)]
    }
    workers = {str(worker.pid): "worker" for worker in pair.workers()}
    assert seen == {str(pair.pid): "main", str(pair.auth_server().pid): "auth", **workers}
    assert now.value("db_client_connection_max") == 16


async def test_what_a_killed_worker_had_in_hand_is_forgotten_and_what_it_counted_is_not(
    pair: Product, people: People
) -> None:
    person = await (await people.newcomer(pair)).person()
    await person.make_todo("Before")
    [client, *_] = await people.clients_of_all_workers(pair)
    workers = pair.workers()
    async with request_in_flight(pair, person) as request:
        before = await scrape(client)
        for worker in workers:
            worker.kill()
        await asyncio.gather(request, return_exceptions=True)

    # One that is killed in the middle of a sign of life is missed only when that is overdue, a minute later.
    await until(lambda: len({*pair.workers()} - {*workers}) == len(workers), "there are others", seconds=90)
    [client, *_] = await people.clients_of_all_workers(pair)
    after = await until_scraped(client, "http_server_active_requests", 1)
    assert before.value("http_server_active_requests") == 2
    assert before.value("db_client_write_connections") >= 1
    assert after.value("db_client_write_connections") == 0
    assert after.value("db_client_connection_max") == 16
    assert after.requests("POST", "/api/todos", "201") == before.requests("POST", "/api/todos", "201") == 1


async def test_an_auth_server_that_stands_still_is_seen(pair: Product, client: httpx2.AsyncClient) -> None:
    child = pair.auth_server()
    child.suspend()
    try:
        now = await scrape(client)
    finally:
        child.resume()

    assert (now.value("todo_auth_server_up"), now.value("todo_database_up")) == (0, 1)
    await until_scraped(client, "todo_auth_server_up", 1)


async def test_restarts_of_the_auth_server_are_counted(pair: Product, client: httpx2.AsyncClient) -> None:
    before = (await scrape(client)).value("todo_auth_server_restarts_total")

    pair.kill_auth_server()

    now = await until_scraped(client, "todo_auth_server_restarts_total", before + 1)
    assert "todo_auth_server_up" in now.text
    await until_scraped(client, "todo_auth_server_up", 1)


async def test_a_database_that_stands_still_is_seen(pair: Product, client: httpx2.AsyncClient) -> None:
    processes = pair.postgres()
    for process in processes:
        process.suspend()
    try:
        now = await scrape(client)
    finally:
        for process in processes:
            process.resume()

    assert (now.value("todo_database_up"), now.value("todo_auth_server_up")) == (0, 1)
    await until_scraped(client, "todo_database_up", 1)


async def test_the_folder_of_the_counts_goes_with_the_product(
    pair: Product, client: httpx2.AsyncClient
) -> None:
    await scrape(client)
    assert [path.name for path in pair.folder.glob("todo-*/metrics")] == ["metrics"]

    pair.stop()

    assert list(pair.folder.glob("todo-*/metrics")) == []
