"""Alive and ready are two questions."""

from dataclasses import replace

import httpx2

from tests.factories import Issuer, Service, client_of, run_service, started
from todo.app import create_app
from todo.database.engine import connect
from todo.database.url import DatabaseUrl


async def test_a_working_service_is_live_and_ready(service: Service) -> None:
    live = await service.client.get("/health/live")
    ready = await service.client.get("/health/ready")

    assert (live.status_code, live.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_without_its_database_it_lives_but_is_not_ready(service: Service) -> None:
    wiring = replace(service.wiring, database_url="postgresql://nobody:hidden@127.0.0.1:1/none")
    app = create_app(wiring)
    async with started(app), client_of(app) as client:
        live = await client.get("/health/live")
        ready = await client.get("/health/ready")

    assert (live.status_code, ready.status_code) == (200, 503)
    assert ready.headers["retry-after"] == "1"
    assert not any(word in ready.text for word in ("127.0.0.1", "nobody", "hidden", "refused"))


async def test_a_schema_of_an_older_version_is_not_ready(server: DatabaseUrl, issuer: Issuer) -> None:
    ready = await ready_at("0000", server, issuer)

    assert (ready.status_code, ready.json()["error_code"]) == (503, "unavailable")


async def test_a_schema_of_the_next_version_is_served_until_that_takes_over(
    server: DatabaseUrl, issuer: Issuer
) -> None:
    assert (await ready_at("9999", server, issuer)).status_code == 200


async def ready_at(revision: str, server: DatabaseUrl, issuer: Issuer) -> httpx2.Response:
    async with run_service(server, issuer) as service:
        async with connect(service.owner_url) as connection:
            await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
        return await service.client.get("/health/ready")
