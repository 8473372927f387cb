"""HTTP endpoints under /api/activity and /api/undo."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from todo.features.activity.rules import ActionNotFound, ActionNotYours, UndoConflict
from todo.features.activity.schemas import ActivityPage, ActivityWanted, UndoResult, UndoWanted
from todo.features.activity.service import ActivityService, activity_service
from todo.transport.callers import client_of
from todo.transport.http_request import Reading, SharedBackend, SignedIn, SignedInRoute, Writing
from todo.transport.idempotency import Once, RequestInFlight
from todo.transport.problem_json import problem_responses

router = APIRouter(
    prefix="/api",
    tags=["activity"],
    route_class=SignedInRoute,
)

_PAGE: dict[str, Any] = {
    "description": "A page of changes.",
    "links": {"undo": {"operationId": "undo", "requestBody": {"action": "$response.body#/items/0/action"}}},
}
_UNDONE: dict[str, Any] = {
    "description": "What became of each todo.",
    "links": {"undo": {"operationId": "undo", "requestBody": {"action": "$response.body#/action"}}},
}


async def _reading_service(transaction: Reading, shared: SharedBackend) -> ActivityService:
    return activity_service(transaction, shared.secret, bound_to=None)


async def _undoing_service(transaction: Writing, shared: SharedBackend, caller: SignedIn) -> ActivityService:
    bound_to = client_of(caller).id if caller.is_delegate else None
    return activity_service(transaction, shared.secret, bound_to=bound_to)


@router.get("/activity", operation_id="list_activity", response_model=ActivityPage, responses={200: _PAGE})
async def list_activity(
    wanted: Annotated[ActivityWanted, Query()],
    service: Annotated[ActivityService, Depends(_reading_service)],
) -> Response:
    """List what was changed in your todos, the newest first: by whom, why, and what was before.

    It goes back 30 days. What one request or call has changed has the same `action`, by which it is undone.
    """
    page = await service.list_activity(wanted)
    return Response(page.model_dump_json(exclude_unset=True), media_type="application/json")


@router.post(
    "/undo",
    operation_id="undo",
    response_model=UndoResult,
    responses={
        200: _UNDONE,
        **problem_responses(ActionNotYours, ActionNotFound, UndoConflict, RequestInFlight),
    },
)
async def undo(
    wanted: UndoWanted, service: Annotated[ActivityService, Depends(_undoing_service)], once: Once
) -> Response:
    """Undo one action, or what a client has done since a moment, up to 1,000 changes.

    A todo that others have deleted, or changed in the same fields, stays as it is, and the answer says so.
    An undo is an action itself and can be undone. Apps and keys undo only what they did themselves.
    """

    async def act() -> Response:
        result = await service.undo(wanted, datetime.now(UTC))
        return Response(result.model_dump_json(), media_type="application/json")

    return await once.answer(wanted.model_dump_json(exclude_unset=True), act)
