"""HTTP endpoints under /api/account."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from todo.features.account.rules import ReauthenticationRequired
from todo.features.account.schemas import (
    FORMAT,
    FORMAT_VERSION,
    AccountExport,
    ExportWanted,
    ImportFile,
    ImportReport,
)
from todo.features.account.service import AccountService, account_service
from todo.problems import UnsupportedMediaType
from todo.transport.http_request import (
    Reading,
    SharedBackend,
    SignedIn,
    SignedInRoute,
    Writing,
)
from todo.transport.idempotency import Once, RequestInFlight
from todo.transport.problem_json import problem_responses
from todo.transport.transfer import InTurn, Spool, Upload, upload_of

router = APIRouter(
    prefix="/api/account",
    tags=["account"],
    route_class=SignedInRoute,
)
IMPORT_PATH = "/api/account/import"
_CHUNK_BYTES = 65_536


async def _exporting_service(_turn: InTurn, transaction: Reading, shared: SharedBackend) -> AccountService:
    return account_service(transaction, shared.limits, has_auth_server=shared.has_auth_server)


async def _importing_service(_turn: InTurn, transaction: Writing, shared: SharedBackend) -> AccountService:
    return account_service(transaction, shared.limits, has_auth_server=shared.has_auth_server)


async def _writing_service(transaction: Writing, shared: SharedBackend) -> AccountService:
    return account_service(transaction, shared.limits, has_auth_server=shared.has_auth_server)


ExportingService = Annotated[AccountService, Depends(_exporting_service)]
ImportingService = Annotated[AccountService, Depends(_importing_service)]
WritingService = Annotated[AccountService, Depends(_writing_service)]
Uploaded = Annotated[Upload, Depends(upload_of("application/json", "text/csv"))]

_CSV: dict[str, Any] = {"schema": {"type": "string"}}
_FILE: dict[str, Any] = {
    "description": "The file.",
    "headers": {"Content-Disposition": {"description": "Its name.", "schema": {"type": "string"}}},
    "content": {"text/csv": _CSV},
}
# Looser than what is exported: the todos are looked at one by one, and what is wrong with one is reported.
_EXPORT: dict[str, Any] = {
    "type": "object",
    "required": ["format", "version", "todos"],
    "properties": {
        "format": {"const": FORMAT},
        "version": {"const": FORMAT_VERSION},
        "todos": {"type": "array", "items": {}},
    },
}
_TAKES_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _EXPORT}, "text/csv": _CSV},
    }
}


@router.get("/export", operation_id="export_account", response_model=AccountExport, responses={200: _FILE})
async def export_account(
    wanted: Annotated[ExportWanted, Query()], file: Spool, service: ExportingService
) -> Response:
    """Give all of your data as one file: your profile and every todo, the trash included.

    As CSV it holds the todos alone. `POST /api/account/import` takes either back.
    """
    now = datetime.now(UTC)
    media_type = await service.export_account(wanted.format, file, now)
    size = file.seek(0, os.SEEK_END)
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="todos-{now:%Y-%m-%d}.{wanted.format}"',
        "Cache-Control": "no-store",
    }
    # Sent when the transaction is over: who reads slowly keeps a file waiting, not a connection.
    return StreamingResponse(_chunks(file), headers=headers, media_type=media_type)


@router.post(
    "/import",
    operation_id="import_account",
    responses={
        200: {"description": "What was taken over, and what was not."},
        **problem_responses(RequestInFlight, UnsupportedMediaType),
    },
    response_model=ImportReport,
    openapi_extra=_TAKES_FILE,
)
async def import_account(upload: Uploaded, service: ImportingService, once: Once) -> Response:
    """Take the todos of an exported file over, up to 64 MiB, and report what could not be.

    Todos keep their ids, times and versions. Those you have already stay as they are, so importing a file
    again adds nothing.
    """

    async def take_over() -> Response:
        report = await service.import_account(ImportFile(upload.file, upload.media_type), datetime.now(UTC))
        return Response(report.model_dump_json(), media_type="application/json")

    return await once.answer(f"{upload.media_type} {upload.digest}", take_over)


@router.delete(
    "",
    operation_id="delete_account",
    status_code=204,
    response_class=Response,
    responses={204: {"description": "Nothing is left."}, **problem_responses(ReauthenticationRequired)},
)
async def delete_account(caller: SignedIn, service: WritingService) -> None:
    """Delete your account and everything of yours, for good. Sign in first: it takes a token of that session.

    Every token and session of yours ends at once. The e-mail address may be used for a new account.
    """
    await service.delete_account(caller, datetime.now(UTC))


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk
