"""HTTP endpoints under /api/keys."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response

from todo.features.keys.schemas import KeyCreate, KeyList, KeyMade
from todo.features.keys.service import KeyNotFound, KeyService, TooManyKeys, key_service
from todo.problems import Forbidden
from todo.transport.http_request import Reading, SignedInRoute, Writing
from todo.transport.problem_json import problem_responses


class SessionRequired(Forbidden):
    """API keys are managed by a person who is signed in, not by a key or an app."""

    title = "Session required"
    error_code = "session_required"


async def _require_person(request: Request) -> None:
    if request.state.caller.is_delegate:
        raise SessionRequired


router = APIRouter(
    prefix="/api/keys",
    tags=["keys"],
    route_class=SignedInRoute,
    dependencies=[Depends(_require_person)],
    responses=problem_responses(SessionRequired),
)


async def _reading_service(transaction: Reading) -> KeyService:
    return key_service(transaction)


async def _writing_service(transaction: Writing) -> KeyService:
    return key_service(transaction)


ReadingService = Annotated[KeyService, Depends(_reading_service)]
WritingService = Annotated[KeyService, Depends(_writing_service)]
KeyId = Annotated[UUID, Path(description="The key's id.")]
_REVOKE = {"operationId": "revoke_key", "parameters": {"key_id": "$response.body#/id"}}
_NEW: dict[str, Any] = {"description": "The new key.", "links": {"revoke": _REVOKE}}


@router.post(
    "",
    operation_id="create_key",
    status_code=201,
    responses={201: _NEW, **problem_responses(TooManyKeys)},
)
async def create_key(wanted: KeyCreate, service: WritingService) -> KeyMade:
    """Make an API key. `key` is shown here and never again: what is kept is a digest.

    For that reason no answer is kept to be repeated either: this takes no `Idempotency-Key`.
    """
    return await service.create_key(wanted)


@router.get("", operation_id="list_keys")
async def list_keys(service: ReadingService) -> KeyList:
    """List your API keys, the newest first, with when each was last used."""
    return await service.list_keys()


@router.delete(
    "/{key_id}",
    operation_id="revoke_key",
    status_code=204,
    response_class=Response,
    responses={204: {"description": "It is revoked."}, **problem_responses(KeyNotFound)},
)
async def revoke_key(key_id: KeyId, service: WritingService) -> None:
    """Revoke an API key: the next request with it is refused."""
    await service.revoke_key(key_id)
