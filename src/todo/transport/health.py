"""Whether this worker lives, and whether it can serve."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from todo.problems import InternalError, Unavailable
from todo.transport.http_request import backend
from todo.transport.problem_json import problem_responses


class Health(BaseModel):
    """The state of this worker."""

    status: Literal["live", "ready"]


def health_router(schema_revision: str) -> APIRouter:
    """Give the endpoints that an operator's machinery asks; neither needs a token."""
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", operation_id="check_live", responses=problem_responses(InternalError))
    async def check_live() -> Health:
        """Answer as long as the process can; depends on nothing else."""
        return Health(status="live")

    @router.get("/ready", operation_id="check_ready", responses=problem_responses(InternalError, Unavailable))
    async def check_ready(request: Request) -> Health:
        """Answer 200 when the database is there with the schema this version needs, else 503."""
        # A later schema is one too: the next version adds to it while this one still serves.
        if await backend(request).database.ping() < schema_revision:
            raise Unavailable("The database is at an older schema revision: run `todo migrate`.")
        return Health(status="ready")

    return router
