"""Where handlers are looked for: behind every operation of the document, however it was put in."""

from fastapi import APIRouter, Depends, FastAPI

from todo.architect.live import chain
from todo.architect.openapi import operations_of


async def somebody() -> None:
    """Stand for who asks."""


async def list_things() -> list[str]:
    return []


def test_a_handler_in_an_included_router_is_found_with_what_it_depends_on() -> None:
    app, router = FastAPI(), APIRouter(dependencies=[Depends(somebody)])
    router.get("/things", operation_id="list_things")(list_things)
    app.include_router(router, prefix="/api")

    chains = [chain(app, one) for one in operations_of(app.openapi())]

    assert chains == [(("APIRoute", "somebody"), True)]


def test_an_operation_without_a_handler_is_seen_as_such() -> None:
    app = FastAPI()
    app.get("/api/things", operation_id="list_things")(list_things)
    app.openapi()
    app.router.routes.clear()

    chains = [chain(app, one) for one in operations_of(app.openapi())]

    assert chains == [((), False)]
