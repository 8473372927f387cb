"""HTTP endpoints under /api/todos."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import UUID7

from todo.database.idempotency import Keeping
from todo.database.transaction import Transaction
from todo.features.todos.rules import QuotaExceeded, TodoChanged, TodoNotFound, TodoNotOwned
from todo.features.todos.schemas import (
    ChangesWanted,
    EventsWanted,
    TodoBatch,
    TodoBatchResult,
    TodoChangeRead,
    TodoChanges,
    TodoCreate,
    TodoDocument,
    TodoFilter,
    TodoPage,
    TodoRead,
    TodoUpdate,
)
from todo.features.todos.service import (
    ChangesForgotten,
    TodoReader,
    TodoService,
    TodoWriter,
    todo_reader,
    todo_service,
    todo_writer,
)
from todo.problems import ValidationFailed
from todo.transport.conditional import content_tag, expected_versions, is_unmodified, version_tag
from todo.transport.event_stream import Seen, TooManyStreams, stream_response
from todo.transport.http_request import (
    IfMatch,
    IfNoneMatch,
    LastEventId,
    OpenStream,
    Reading,
    SharedBackend,
    SignedInRoute,
    backend,
    glance,
    stroke,
)
from todo.transport.idempotency import Key, OnceOnly, RequestInFlight, keeping_of, once_only
from todo.transport.problem_json import problem_responses

router = APIRouter(prefix="/api/todos", tags=["todos"], route_class=SignedInRoute)
events_router = APIRouter(prefix="/api/events", tags=["todos"], route_class=SignedInRoute)


# Each further dependency costs as much as half a query, so none is taken that the request itself can give.
async def _reader(request: Request) -> TodoReader:
    shared = backend(request)
    return todo_reader(glance(request), shared.secret, shared.indexing.note)


async def _writer(request: Request) -> TodoWriter:
    return todo_writer(stroke(request), backend(request).limits)


async def _reading_service(transaction: Reading, request: Request) -> TodoService:
    shared = backend(request)
    return todo_service(transaction, shared.secret, shared.limits)


ReadingService = Annotated[TodoService, Depends(_reading_service)]
Reader = Annotated[TodoReader, Depends(_reader)]
Writer = Annotated[TodoWriter, Depends(_writer)]
_UUID7 = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-7[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$"
ChosenId = Annotated[
    UUID7, Path(description="An id of your own.", json_schema_extra={"format": "uuid", "pattern": _UUID7})
]
TodoId = Annotated[UUID, Path(description="The todo's id.")]

_ETAG: dict[str, Any] = {"ETag": {"description": "The version, in quotes.", "schema": {"type": "string"}}}
_PAGE_ETAG: dict[str, Any] = {"ETag": {"description": "Changes with the page.", "schema": {"type": "string"}}}
_LOCATION: dict[str, Any] = {"Location": {"description": "Where the todo is.", "schema": {"type": "string"}}}
_TODO: dict[str, Any] = {"description": "The todo as it is now.", "headers": _ETAG}
_NEW: dict[str, Any] = {"description": "The new todo.", "headers": _ETAG | _LOCATION}
_UNCHANGED: dict[int | str, Any] = {304: {"description": "You have it already.", "headers": _ETAG}}
_FROM_HERE = {"since": "$response.body#/next"}
_CHANGES: dict[str, Any] = {
    "description": "Changes in order.",
    "links": {
        "next": {"operationId": "list_changes", "parameters": _FROM_HERE},
        "follow": {"operationId": "follow_changes", "parameters": _FROM_HERE},
    },
}
_EVENTS = stream_response("Changes as they are made.", change=TodoChangeRead)
_FOUND = problem_responses(TodoNotOwned, TodoNotFound)
_CHANGED = {200: _TODO, **_FOUND, **problem_responses(TodoChanged)}


@router.post(
    "",
    operation_id="create_todo",
    status_code=201,
    response_model=TodoRead,
    responses={201: _NEW, **problem_responses(QuotaExceeded, RequestInFlight)},
)
async def create_todo(
    new: TodoCreate, writer: Writer, request: Request, idempotency_key: Key = None
) -> Response:
    """Add a todo. The answer is sent once it is stored for good.

    With an `Idempotency-Key` it can be sent again safely: one todo is added, and the answer is the same.
    """
    if idempotency_key is None:
        return _created(await writer.create_todo(new))
    asked = new.model_dump_json()

    def keeping(todo_id: UUID) -> Keeping:
        return keeping_of(request, idempotency_key, asked, _created(TodoDocument(todo_id, "", version=1)))

    added = await writer.create_todo_once(new, keeping)
    if added is not None:
        return _created(added)
    async with _in_transaction(request, idempotency_key) as (service, once):

        async def create() -> Response:
            return _created(await service.create_todo(new))

        return await once.answer(asked, create)


@router.put(
    "/{todo_id}",
    operation_id="put_todo",
    status_code=201,
    response_model=TodoRead,
    responses={
        201: _NEW,
        200: {"description": "It was there already.", "headers": _ETAG, "model": TodoRead},
        **problem_responses(QuotaExceeded),
    },
)
async def put_todo(todo_id: ChosenId, new: TodoCreate, writer: Writer) -> Response:
    """Add a todo under an id you chose, a UUIDv7; for clients that work offline.

    Sent again, it adds nothing and changes nothing: the answer is the todo as it is now, its trash included.
    """
    todo, is_new = await writer.put_todo(todo_id, new)
    return _created(todo) if is_new else _answered(todo)


@router.get(
    "",
    operation_id="list_todos",
    response_model=TodoPage,
    responses={200: {"description": "One page.", "headers": _PAGE_ETAG}, **_UNCHANGED},
)
async def list_todos(
    wanted: Annotated[TodoFilter, Query()], reader: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """List your todos, a page at a time, with the exact number that match.

    Go on with `cursor` set to the `next_cursor` of the page before: it skips and repeats nothing that
    keeps its place, however the list grows or shrinks meanwhile.
    """
    page = await reader.list_todos(wanted)
    tag = content_tag(page.body)
    if is_unmodified(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(page.body, media_type="application/json", headers={"ETag": tag})


@router.post(
    "/batch",
    operation_id="batch_todos",
    response_model=TodoBatchResult,
    responses={
        200: {"description": "How each operation went."},
        **_FOUND,
        **problem_responses(TodoChanged, RequestInFlight),
    },
)
async def batch_todos(
    batch: TodoBatch, writer: Writer, request: Request, idempotency_key: Key = None
) -> Response:
    """Do up to 100 operations in one transaction, one after the other.

    Unless `atomic` is false, all are done or none: then the answer is that of the first that is refused, and
    `errors` points at it. With an `Idempotency-Key` the batch can be sent again safely.
    """
    added = await writer.batch_todos(batch) if idempotency_key is None else None
    if added is not None:
        return Response(added.body, media_type="application/json")
    async with _in_transaction(request, idempotency_key) as (service, once):

        async def act() -> Response:
            result = await service.batch_todos(batch)
            return Response(result.model_dump_json(), media_type="application/json")

        return await once.answer(batch.model_dump_json(exclude_unset=True), act)


@router.get(
    "/changes",
    operation_id="list_changes",
    responses={200: _CHANGES, **problem_responses(ChangesForgotten)},
)
async def list_changes(wanted: Annotated[ChangesWanted, Query()], service: ReadingService) -> TodoChanges:
    """Give every change of your todos after a token, in the order they were made; none is left out.

    To begin, ask without `since` and keep `next`; then list your todos; then ask with it, and so on. A token
    is good for 30 days; after that the answer is 410, and you begin anew.
    """
    return await service.list_changes(wanted, datetime.now(UTC))


async def _followed(
    stream: OpenStream,
    shared: SharedBackend,
    wanted: Annotated[EventsWanted, Query()],
    last_event_id: LastEventId = None,
) -> AsyncIterator[ServerSentEvent]:
    async def look(transaction: Transaction, since: str | None) -> Seen:
        page = await todo_service(transaction, shared.secret, shared.limits).follow_changes(
            since, datetime.now(UTC)
        )
        events = [ServerSentEvent(event="change", id=token, data=change) for token, change in page.changes]
        return Seen(events, page.next, page.has_more)

    try:
        return await stream.begin(look, last_event_id or wanted.since)
    except ValidationFailed as problem:
        if last_event_id:
            problem.errors = [
                {**error, "location": "header", "pointer": "/Last-Event-ID"} for error in problem.errors
            ]
        raise


@events_router.get(
    "",
    operation_id="follow_changes",
    response_class=EventSourceResponse,
    responses={200: _EVENTS, **problem_responses(ChangesForgotten, TooManyStreams)},
)
async def follow_changes(
    events: Annotated[AsyncIterator[ServerSentEvent], Depends(_followed)],
) -> AsyncIterator[ServerSentEvent]:
    """Stream every change of your todos as it is made: the change feed as server-sent events.

    It starts now, or after the event named in `Last-Event-ID` or `since`; `ready` says that all until now has
    been told. After `end`, or when it breaks off, go on from the last `id` you have seen: none is left out.
    """
    async for event in events:
        yield event


@router.get(
    "/{todo_id}",
    operation_id="get_todo",
    response_model=TodoRead,
    responses={200: _TODO, **_UNCHANGED, **_FOUND},
)
async def get_todo(todo_id: TodoId, reader: Reader, if_none_match: IfNoneMatch = None) -> Response:
    """Give one todo. One in the trash is 404 until it is restored."""
    todo = await reader.get_todo(todo_id)
    tag = version_tag(todo.version)
    if is_unmodified(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(todo.body, media_type="application/json", headers={"ETag": tag})


@router.patch("/{todo_id}", operation_id="update_todo", response_model=TodoRead, responses=_CHANGED)
async def update_todo(
    todo_id: TodoId, wanted: TodoUpdate, writer: Writer, if_match: IfMatch = None
) -> Response:
    """Change the fields you name; the others stay. Naming the values it has already changes nothing."""
    return _answered(await writer.update_todo(todo_id, wanted, expected_versions(if_match)))


@router.patch(
    "/{todo_id}/complete", operation_id="complete_todo", response_model=TodoRead, responses=_CHANGED
)
async def complete_todo(todo_id: TodoId, writer: Writer, if_match: IfMatch = None) -> Response:
    """Mark a todo done. Doing so again changes nothing: the first `completed_at` stays."""
    return _answered(await writer.complete_todo(todo_id, expected_versions(if_match)))


@router.patch("/{todo_id}/reopen", operation_id="reopen_todo", response_model=TodoRead, responses=_CHANGED)
async def reopen_todo(todo_id: TodoId, writer: Writer, if_match: IfMatch = None) -> Response:
    """Mark a todo not done. Doing so again changes nothing."""
    return _answered(await writer.reopen_todo(todo_id, expected_versions(if_match)))


@router.delete(
    "/{todo_id}",
    operation_id="delete_todo",
    status_code=204,
    response_class=Response,
    responses={204: {"description": "It is in the trash."}, **_FOUND, **problem_responses(TodoChanged)},
)
async def delete_todo(todo_id: TodoId, writer: Writer, if_match: IfMatch = None) -> None:
    """Move a todo to the trash: list it with `status=deleted`, bring it back with `restore`."""
    await writer.delete_todo(todo_id, expected_versions(if_match))


@router.patch("/{todo_id}/restore", operation_id="restore_todo", response_model=TodoRead, responses=_CHANGED)
async def restore_todo(todo_id: TodoId, writer: Writer, if_match: IfMatch = None) -> Response:
    """Bring a todo back from the trash. One that is not there stays as it is."""
    return _answered(await writer.restore_todo(todo_id, expected_versions(if_match)))


@asynccontextmanager
async def _in_transaction(request: Request, key: str | None) -> AsyncIterator[tuple[TodoService, OnceOnly]]:
    shared = backend(request)
    async with stroke(request).transaction() as transaction:
        service = todo_service(transaction, shared.secret, shared.limits)
        yield service, once_only(request, transaction, key)


def _created(todo: TodoDocument) -> Response:
    return _answered(todo, 201, {"Location": f"/api/todos/{todo.id}"})


def _answered(
    todo: TodoDocument, status: int = 200, more: Mapping[str, str] = MappingProxyType({})
) -> Response:
    headers = {"ETag": version_tag(todo.version), **more}
    return Response(todo.body, status, headers, media_type="application/json")
