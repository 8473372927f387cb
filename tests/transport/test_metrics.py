"""What Prometheus is shown, and who may see it."""

from dataclasses import replace

import httpx2
import pytest
from fastapi import FastAPI

from tests.factories import Person, Service, client_of, started
from tests.scraping import Scraped, scrape
from todo.app import create_app

TOKEN = "read the metrics with this"  # noqa: S105  # of a service that lives for a test
ELSEWHERE = "203.0.113.9"


def reached_from(app: FastAPI, address: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app, client=(address, 50000))
    return httpx2.AsyncClient(transport=transport, base_url="http://testserver")


async def scraped(service: Service) -> Scraped:
    return await scrape(service.client)


async def test_a_request_is_counted_once_under_its_route_method_and_status(
    service: Service, alice: Person
) -> None:
    todo = await alice.make_todo()
    before = await scraped(service)

    await alice.get(f"/api/todos/{todo['id']}")
    await alice.get("/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21")
    await alice.get("/api/todos", params={"q": "milk"})

    after = await scraped(service)
    counted = {key: after.requests(*key) - before.requests(*key) for key in after.request_keys()}
    assert {key: count for key, count in counted.items() if count} == {
        ("GET", "/api/todos/{todo_id}", "200"): 1,
        ("GET", "/api/todos/{todo_id}", "404"): 1,
        ("GET", "/api/todos", "200"): 1,
        ("GET", "/metrics", "200"): 1,
    }
    timed = {"http_request_method": "GET", "http_route": "/api/todos/{todo_id}"}
    name = "http_server_request_duration_seconds_count"
    assert after.value(name, **timed) - before.value(name, **timed) == 2


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/", "/"),
        ("/static/style.css", "/static/{path}"),
        ("/static/nothing.css", "/static/{path}"),
        ("/openapi.json", "/openapi.json"),
        ("/mcp", "/mcp"),
        ("/health/live", "/health/live"),
        ("/nowhere/019a5e2c", "unmatched"),
        ("/api/todos/", "unmatched"),
    ],
)
async def test_every_address_is_counted_under_its_route(service: Service, path: str, route: str) -> None:
    name = "http_server_request_duration_seconds_count"
    before = (await scraped(service)).value(name, http_request_method="GET", http_route=route)

    await service.client.get(path)

    assert (await scraped(service)).value(name, http_request_method="GET", http_route=route) == before + 1


async def test_what_callers_make_up_adds_no_series(service: Service, alice: Person) -> None:
    async def ask_for(name: str) -> None:
        await alice.get(f"/{name}")
        await alice.get(f"/api/todos/{name}", params={name: name})
        await alice.request(name, "/api/todos")

    await ask_for("FIRST")
    await scraped(service)  # counts itself as well, from the next time on
    before = await scraped(service)

    for number in range(30):
        await ask_for(f"MADE-UP-{number}")

    after = await scraped(service)
    assert after.series() == before.series()
    assert "MADE-UP" not in after.text
    assert (
        after.requests("_OTHER", "/api/todos", "405") - before.requests("_OTHER", "/api/todos", "405") == 30
    )


async def test_a_head_request_is_counted_as_one(service: Service) -> None:
    before = (await scraped(service)).requests("HEAD", "/health/live", "200")

    await service.client.head("/health/live")

    assert (await scraped(service)).requests("HEAD", "/health/live", "200") == before + 1


async def test_what_is_being_worked_on_is_given_back_whatever_comes_of_it(
    service: Service, alice: Person
) -> None:
    await alice.post("/api/todos", json={"title": ""})
    await alice.get("/api/todos", headers={"authorization": "Bearer nonsense"})
    await alice.get("/nowhere")

    now = await scraped(service)

    assert now.value("http_server_active_requests") == 1
    assert now.value("db_client_connection_count", db_client_connection_state="used") == 0
    assert now.value("db_client_connection_pending_requests") == 0
    assert now.value("db_client_connection_max") == service.wiring.pool_size


async def test_it_tells_what_runs_and_what_that_uses(service: Service) -> None:
    now = await scraped(service)

    assert now.value("todo_database_up") == 1
    assert now.value("process_resident_memory_bytes", process="main") > 10_000_000
    assert now.value("process_cpu_seconds_total", process="main") > 0
    assert 'todo_build_info{python_version="' in now.text


async def test_without_its_database_it_still_shows_metrics_and_says_so(service: Service) -> None:
    wiring = replace(service.wiring, database_url="postgresql://nobody:hidden@127.0.0.1:1/none")
    app = create_app(wiring)
    async with started(app), client_of(app) as client:
        now = await scrape(client)

    assert now.value("todo_database_up") == 0
    assert "hidden" not in now.text


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_a_caller_on_this_machine_may_read_them(service: Service, address: str) -> None:
    async with reached_from(service.app, address) as client:
        assert (await client.get("/metrics")).status_code == 200


@pytest.mark.parametrize("address", [ELSEWHERE, "::ffff:203.0.113.9", "2001:db8::1", "testclient"])
async def test_a_caller_elsewhere_may_not(service: Service, address: str) -> None:
    async with reached_from(service.app, address) as client:
        answer = await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})

    assert (answer.status_code, answer.json()["error_code"]) == (403, "forbidden")


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "via", "X-Forwarded-Proto"])
async def test_a_proxy_on_this_machine_does_not_make_its_callers_local(service: Service, header: str) -> None:
    answer = await service.client.get("/metrics", headers={header: "127.0.0.1"})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        ("Bearer", 401),
        ("Bearer ü", 401),
        ("", 401),
    ],
)
async def test_a_caller_elsewhere_reads_them_with_the_token(
    service: Service, authorization: str, status: int
) -> None:
    app = create_app(replace(service.wiring, metrics_token=TOKEN.encode()))
    async with started(app), reached_from(app, ELSEWHERE) as client:
        answer = await client.get("/metrics", headers=[(b"authorization", authorization.encode("latin-1"))])

    assert answer.status_code == status
    assert (status == 200) == answer.headers["content-type"].startswith("text/plain")


async def test_they_can_only_be_read(service: Service) -> None:
    answer = await service.client.post("/metrics")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
