"""Where handlers are looked for: behind every operation of the document, however it was put in."""

from fastapi import APIRouter, Depends, FastAPI

from todo.architect.examine import Examiner, Witness
from todo.architect.running import Ear, Issuer, Running
from todo.database.url import DatabaseUrl


async def somebody() -> None:
    """Stand for who asks."""


async def list_things() -> list[str]:
    return []


def examiner_of(app: FastAPI) -> Examiner:
    nowhere = DatabaseUrl.parse("postgresql://127.0.0.1:1/nothing")
    return Examiner(Running(app, Issuer(), Ear(), nowhere), Witness())


def test_a_handler_in_an_included_router_is_found_with_what_it_depends_on() -> None:
    app, router = FastAPI(), APIRouter(dependencies=[Depends(somebody)])
    router.get("/things", operation_id="list_things")(list_things)
    app.include_router(router, prefix="/api")

    examiner = examiner_of(app)

    assert [examiner.chain(one) for one in examiner.operations] == [(("APIRoute", "somebody"), True)]


def test_an_operation_without_a_handler_is_seen_as_such() -> None:
    app = FastAPI()
    app.get("/api/things", operation_id="list_things")(list_things)
    app.openapi()
    app.router.routes.clear()

    examiner = examiner_of(app)

    assert [examiner.chain(one) for one in examiner.operations] == [((), False)]
