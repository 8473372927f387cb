"""Every error has one shape."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from fastapi import APIRouter, Response
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry

from tests.factories import Person, Service, client_of
from todo.transport.application import Application
from todo.transport.body import BODY_LIMIT_BYTES
from todo.transport.compiled_route import CompiledRoute
from todo.transport.guard import Guard
from todo.transport.metrics import RequestMetrics
from todo.transport.problem_json import MEDIA_TYPE, install_problem_handlers

OPERATIONS = [
    ("POST", "/api/todos"),
    ("GET", "/api/todos"),
    ("GET", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21"),
    ("PATCH", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21"),
    ("PATCH", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21/complete"),
    ("PATCH", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21/reopen"),
    ("PATCH", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21/restore"),
    ("DELETE", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21"),
    ("PUT", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21"),
    ("POST", "/api/todos/batch"),
    ("GET", "/api/todos/changes"),
    ("GET", "/api/events"),
    ("GET", "/api/account/export"),
    ("POST", "/api/account/import"),
    ("DELETE", "/api/account"),
]


async def test_a_problem_is_answered_whole(service: Service) -> None:
    response = await service.client.get("/nowhere")

    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json() == {
        "type": "urn:todo:problem:not_found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at this address.",
        "error_code": "not_found",
        "request_id": response.headers["x-request-id"],
    }


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/todo", "/api/todos/", "/static/nothing.js", "/%00", "/../etc/passwd"]
)
async def test_an_unknown_path_is_a_problem(alice: Person, path: str) -> None:
    response = await alice.get(path if path != "/" else "/nothing")

    assert (response.status_code, response.headers["content-type"]) == (404, MEDIA_TYPE)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/todos", "GET, HEAD, POST"),
        ("DELETE", "/api/todos", "GET, HEAD, POST"),
        ("POST", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21/complete", "PATCH"),
        ("PUT", "/api/todos/batch", "POST"),
        ("GET", "/api/todos/batch", "POST"),
        ("DELETE", "/api/todos/changes", "GET, HEAD"),
        ("POST", "/health/live", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
        ("PUT", "/api/account", "DELETE"),
        ("POST", "/api/account/export", "GET, HEAD"),
        ("PUT", "/api/account/import", "POST"),
    ],
)
async def test_a_wrong_method_names_all_the_right_ones(
    alice: Person, method: str, path: str, allowed: str
) -> None:
    response = await alice.request(method, path)

    assert (response.status_code, response.json()["error_code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_nobody_enters_without_a_token(service: Service, method: str, path: str) -> None:
    response = await service.client.request(
        method, path, content=b"{", headers={"content-type": "application/json"}
    )

    assert (response.status_code, response.json()["error_code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_every_operation_but_the_declared_few_asks_for_a_token(service: Service) -> None:
    document = (await service.client.get("/openapi.json")).json()

    public = {
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if operation.get("security") != [{"bearer": []}, {"api_key": []}]
        or "401" not in operation["responses"]
    }

    assert public == {"/health/live", "/health/ready"}


async def test_a_body_that_is_too_large_is_refused(alice: Person) -> None:
    response = await alice.post("/api/todos", content=b" " * (BODY_LIMIT_BYTES + 1))

    assert (response.status_code, response.json()["error_code"]) == (413, "body_too_large")


async def test_a_body_without_a_length_is_limited_too(alice: Person) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    response = await alice.post("/api/todos", content=chunks())

    assert response.status_code == 413


async def test_many_large_bodies_at_once_are_all_refused(alice: Person) -> None:
    body = b" " * (4 * BODY_LIMIT_BYTES)

    responses = await asyncio.gather(*(alice.post("/api/todos", content=body) for _ in range(20)))

    assert {response.status_code for response in responses} == {413}


@pytest.mark.parametrize("route_class", [APIRoute, CompiledRoute])
async def test_a_failure_nobody_foresaw_is_logged_and_shows_nothing_of_itself(
    route_class: type[APIRoute], caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> Response:
        raise RuntimeError("canary")

    app = Application(partial(Guard, metrics=RequestMetrics(CollectorRegistry())), has_shortcut=True)
    install_problem_handlers(app)
    router = APIRouter(route_class=route_class)
    router.add_api_route("/fail", fail)
    app.router.routes.extend(router.routes)

    response = await client_of(app).get("/fail")

    assert (response.status_code, response.json()["error_code"]) == (500, "internal_error")
    assert "canary" not in response.text
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["canary"]


async def test_a_given_request_id_is_kept(service: Service) -> None:
    response = await service.client.get("/health/live", headers={"x-request-id": "from-the-caller-7"})

    assert response.headers["x-request-id"] == "from-the-caller-7"


@pytest.mark.parametrize("given", ["short", "a" * 65, "with space in it", "a\xe9bcdefgh"])
async def test_an_unusable_request_id_is_replaced(service: Service, given: str) -> None:
    response = await service.client.get("/health/live", headers=[(b"x-request-id", given.encode("latin-1"))])

    assert response.headers["x-request-id"] != given


async def test_pages_may_not_be_framed(service: Service) -> None:
    response = await service.client.get("/")

    assert response.status_code == 200
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
