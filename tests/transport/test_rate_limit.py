"""Everybody has so many requests a minute, and every answer says how many are left."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.factories import LIMITS, Person, Service

LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.fixture
async def strict(service: Service) -> AsyncIterator[Service]:
    """The application, with two requests a minute for everybody."""
    async with service.another(limits=replace(LIMITS, rate_limit=2)) as strict:
        yield strict


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/todos", 200),
        ("HEAD", "/api/todos", 200),
        ("GET", "/api/todos?limit=0", 422),
        ("POST", "/api/todos", 422),
        ("GET", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21", 404),
        ("POST", "/mcp", 400),
    ],
)
async def test_every_answer_says_how_much_is_left(alice: Person, method: str, path: str, status: int) -> None:
    response = await alice.request(method, path)

    assert response.status_code == status
    assert response.headers["ratelimit-policy"] == '"person";q=1200;w=60'
    assert response.headers["ratelimit"] == '"person";r=1199;t=1'


async def test_who_has_used_up_theirs_is_told_when_to_come_back(strict: Service) -> None:
    person = strict.person()
    answers = [await person.get("/api/todos") for _ in range(3)]

    refused = answers[-1]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert (refused.json()["error_code"], refused.json()["title"]) == ("rate_limited", "Rate limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 30
    assert refused.headers["ratelimit"] == f'"person";r=0;t={refused.headers["retry-after"]}'
    assert refused.headers["ratelimit-policy"] == '"person";q=2;w=60'


async def test_others_do_not_notice(strict: Service) -> None:
    greedy, other = strict.person(), strict.person()
    refused = [await greedy.get("/api/todos") for _ in range(9)][-1]

    assert (refused.status_code, (await other.get("/api/todos")).status_code) == (429, 200)


async def test_agents_and_their_person_share_a_bucket(strict: Service) -> None:
    person = strict.person()
    headers = {"accept": "application/json, text/event-stream"}

    listed = await person.post("/mcp", headers=headers, json=LIST_TOOLS)
    await person.get("/api/todos")
    refused = await person.post("/mcp", headers=headers, json=LIST_TOOLS)

    assert (listed.status_code, listed.headers["ratelimit"]) == (200, '"person";r=1;t=30')
    assert (refused.status_code, refused.json()["error_code"]) == (429, "rate_limited")


async def test_it_is_asked_before_the_body_and_the_database(service: Service) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    async with service.another(database_url=nowhere, limits=replace(LIMITS, rate_limit=1)) as cut_off:
        person = cut_off.person()
        answers = [await person.get("/api/todos"), await person.post("/api/todos", content=b"{")]

    assert [answer.status_code for answer in answers] == [503, 429]


async def test_strangers_are_not_counted(strict: Service) -> None:
    answers = [await strict.client.get(path) for path in ["/api/todos", "/health/live"] * 3]

    assert [answer.status_code for answer in answers] == [401, 200] * 3
    assert not any("ratelimit" in answer.headers for answer in answers)


async def test_no_limit_is_a_limit_too(service: Service) -> None:
    async with service.another(limits=replace(LIMITS, rate_limit=0)) as lavish:
        response = await lavish.person().get("/api/todos")

    assert response.status_code == 200
    assert "ratelimit" not in response.headers


async def test_the_fields_are_documented_where_they_are_sent(service: Service) -> None:
    document = (await service.client.get("/openapi.json")).json()

    statuses = {
        status
        for operations in document["paths"].values()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        if {"RateLimit", "RateLimit-Policy"} <= response["headers"].keys()
    }
    described = document["paths"]["/api/todos"]["get"]["responses"]["429"]["headers"]
    assert statuses >= {"200", "201", "204", "304", "403", "404", "409", "412", "422", "429", "500", "503"}
    assert not statuses & {"401", "408", "413"}
    assert "Retry-After" in described
    assert re.fullmatch(r'"person";q=\d+;w=60', described["RateLimit-Policy"]["example"])
