"""A compiled route answers, refuses and documents as FastAPI's own does."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.routing import Mount

from todo.features.account import api as account
from todo.features.activity import api as activity
from todo.features.keys import api as keys
from todo.features.todos import api as todos
from todo.transport.compiled_route import CompiledRoute
from todo.transport.shortcut import Shortcut

THING = "/things/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21"
JSON = {"content-type": "application/json"}


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    colours: list[Colour] = []
    limit: int = Field(20, ge=1)
    q: str | None = None


class Thing(BaseModel):
    name: str = Field(min_length=1)
    size: int = 1


class Refused(Exception):  # as the others
    """A dependency does not want it."""


async def _opened(request: Request) -> AsyncIterator[list[str]]:
    told: list[str] = request.app.state.told
    told.append("opened")
    try:
        yield told
        told.append("committed")
    except BaseException:
        told.append("rolled back")
        raise


Opened = Annotated[list[str], Depends(_opened, scope="function")]


async def _second(opened: Opened, x_second: Annotated[str | None, Header()] = None) -> str:
    if x_second == "refuse":
        raise Refused
    opened.append("second")
    return x_second or "none"


Second = Annotated[str, Depends(_second)]


async def find(wanted: Annotated[Wanted, Query()], second: Second) -> dict[str, Any]:
    return {"second": second, **wanted.model_dump()}


async def show(
    thing_id: UUID,
    opened: Opened,
    second: Second,
    response: Response,
    if_match: Annotated[str | None, Header()] = None,
) -> Thing:
    opened.append("shown")
    response.headers["ETag"] = f'"{if_match}"'
    return Thing(name=f"{thing_id} {second}")


async def add(new: Thing, opened: Opened) -> Thing:
    opened.append("added")
    return new


async def remove(thing_id: UUID, _opened: Opened) -> None:
    """Take it away."""


async def raw(request: Request) -> Response:
    return Response(request.url.path, 202, {"X-Own": "yes"})


async def fail(opened: Opened) -> Thing:
    opened.append("failing")
    raise Refused


def built(route_class: type[APIRoute]) -> FastAPI:
    router = APIRouter(route_class=route_class)
    router.add_api_route("/things", find)
    router.add_api_route("/things", add, methods=["POST"], status_code=201)
    router.add_api_route("/things/{thing_id}", show)
    router.add_api_route(
        "/things/{thing_id}", remove, methods=["DELETE"], status_code=204, response_class=Response
    )
    router.add_api_route("/raw", raw, response_model=None)
    router.add_api_route("/fail", fail)
    app = FastAPI()
    app.router.routes.extend(router.routes)
    app.add_exception_handler(Refused, _say_refused)
    app.state.told = []
    return app


async def _say_refused(request: Request, _error: Exception) -> Response:
    request.app.state.told.append("answered")
    return Response("refused", 409)


async def told(app: FastAPI, method: str, path: str, options: dict[str, Any]) -> tuple[Any, ...]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        response = await client.request(method, path, **options)
    return response.status_code, sorted(response.headers.items()), response.content, app.state.told


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", "/things", {}),
        ("GET", "/things?limit=5&colours=red&colours=blue&q=a%20b", {"headers": {"X-Second": "given"}}),
        ("GET", "/things?limit=5&limit=6", {}),
        ("GET", "/things?limit=0", {}),
        ("GET", "/things?limit=0", {"headers": {"X-Second": "refuse"}}),
        ("GET", "/things?colours=green&other=1&other=2", {}),
        ("GET", "/things?limit=5&other=1", {}),
        ("GET", THING, {"headers": {"If-Match": "7"}}),
        ("GET", THING, {"headers": {"X-Second": "refuse"}}),
        ("GET", "/things/none", {}),
        ("PUT", THING, {}),
        ("DELETE", THING, {}),
        ("DELETE", "/things/none", {}),
        ("POST", "/things", {"json": {"name": "One", "size": 2}}),
        (
            "POST",
            "/things",
            {"content": b'{"name": "One"}', "headers": {"content-type": "application/json; a=b"}},
        ),
        ("POST", "/things", {"content": b'{"name": "One"}', "headers": {"content-type": "text/plain"}}),
        ("POST", "/things", {"content": b'{"name": "One"}'}),
        ("POST", "/things", {"content": b'{"name": ', "headers": JSON}),
        ("POST", "/things", {"content": b"\xff", "headers": JSON}),
        ("POST", "/things", {"content": b"[" * 100_000, "headers": JSON}),
        ("POST", "/things", {"content": b'{"name": "One", "name": "Two"}', "headers": JSON}),
        ("POST", "/things", {"content": b'{"name": "One", "size": 2.0}', "headers": JSON}),
        ("POST", "/things", {"content": b'{"name": "One", "size": 1' + b"0" * 5_000 + b"}", "headers": JSON}),
        ("POST", "/things", {"content": b'\xef\xbb\xbf{"name": "One"}', "headers": JSON}),
        ("POST", "/things", {"content": '{"name": "One"}'.encode("utf-16"), "headers": JSON}),
        ("POST", "/things", {"json": {"name": ""}}),
        ("POST", "/things", {"json": ["name"]}),
        ("POST", "/things", {}),
        ("GET", "/raw", {}),
        ("GET", "/fail", {}),
    ],
)
async def test_it_does_the_same_in_the_same_order(method: str, path: str, options: dict[str, Any]) -> None:
    expected = await told(built(APIRoute), method, path, options)
    short = built(CompiledRoute)
    short.add_middleware(Shortcut, routes=short.routes)

    assert await told(built(CompiledRoute), method, path, options) == expected
    assert await told(short, method, path, options) == expected


async def test_a_short_way_leads_to_the_first_route_that_matches() -> None:
    def named(name: str) -> Any:
        async def answer() -> Response:
            return Response(name)

        return answer

    async def stream() -> AsyncIterator[str]:
        yield "one"

    router = APIRouter(route_class=CompiledRoute)
    app = FastAPI()
    app.add_middleware(Shortcut, routes=app.routes)
    router.add_api_route("/early/{name}", named("early"))
    router.add_api_route("/{first}/exact", named("of two"))
    router.add_api_route("/things/stream", stream)
    app.router.routes.extend(router.routes)
    app.router.routes.append(Mount("/mounted", Response("mounted")))
    app.add_api_route("/{rest:path}.txt", named("a path"))
    router.add_api_route("/{first}/{second}", named("late"))
    app.router.routes.extend(router.routes[-1:])

    app.state.told = []
    paths = ["/early/exact", "/a/exact", "/things/stream", "/mounted/one", "/a/b.txt", "/a/b"]

    assert [(await told(app, "GET", path, {}))[2] for path in paths] == [
        b"early",
        b"of two",
        b'"one"\n',
        b"mounted",
        b"a path",
        b"late",
    ]


async def test_a_short_way_finishes_what_it_refuses_with_the_handler_of_the_nearest_kind() -> None:
    class Gone(Refused):
        """As well."""

    async def answer() -> Response:
        raise Gone

    async def missing() -> Response:
        raise HTTPException(404)

    router = APIRouter(route_class=CompiledRoute)
    router.add_api_route("/gone", answer)
    router.add_api_route("/missing", missing)
    app = FastAPI()
    app.state.told = []
    app.add_middleware(Shortcut, routes=app.routes)
    app.add_exception_handler(Refused, _say_refused)
    app.router.routes.extend(router.routes)

    assert (await told(app, "GET", "/gone", {}))[0] == 409
    assert (await told(app, "GET", "/missing", {}))[0] == 404


class Fixed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(20, ge=1)


async def test_what_one_request_does_to_its_query_no_other_sees() -> None:
    seen = list[BaseModel]()

    async def change(wanted: Annotated[Wanted, Query()]) -> Response:
        seen.append(wanted.model_copy())
        wanted.limit += 1
        return Response()

    async def take(wanted: Annotated[Fixed, Query()]) -> Response:
        seen.append(wanted)
        return Response()

    router = APIRouter(route_class=CompiledRoute)
    router.add_api_route("/change", change)
    router.add_api_route("/take", take)
    paths = ["/change?limit=5", "/change?limit=5", "/take?limit=5", "/take?limit=6", "/take?limit=5"]
    app = FastAPI()
    app.router.routes.extend(router.routes)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        for path in paths:
            await client.get(path)
        refused = [(await client.get("/take?limit=0")).status_code for _ in range(2)]

    assert [wanted.model_dump()["limit"] for wanted in seen] == [5, 5, 5, 6, 5]
    assert refused == [422, 422]


def test_it_documents_the_same() -> None:
    routes = built(CompiledRoute).routes
    assert all(route.is_compiled for route in routes if isinstance(route, CompiledRoute))
    assert built(CompiledRoute).openapi() == built(APIRoute).openapi()


def test_whatever_it_does_not_know_is_left_to_the_framework() -> None:
    def blocking() -> int:
        return 1

    async def on_a_thread(one: Annotated[int, Depends(blocking)]) -> Response:
        return Response(str(one))

    async def of_the_request(opened: Annotated[list[str], Depends(_opened)]) -> Response:
        return Response(opened[0])

    async def embedded(first: Thing, second: Thing) -> Response:
        return Response(first.name + second.name)

    for endpoint in (on_a_thread, of_the_request, embedded):
        assert not CompiledRoute("/", endpoint, response_model=None).is_compiled


def test_all_of_ours_are_compiled_but_streams_and_files() -> None:
    routers = (todos.router, todos.events_router, activity.router, keys.router, account.router)
    routes = [route for router in routers for route in router.routes if isinstance(route, CompiledRoute)]

    assert [route.operation_id for route in routes if not route.is_compiled] == [
        "follow_changes",
        "export_account",
        "import_account",
    ]
    assert len(routes) == sum(len(router.routes) for router in routers)
