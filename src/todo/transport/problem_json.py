"""Problems as RFC 9457 answers, and as the OpenAPI document promises them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from todo.problems import (
    BodyTooLarge,
    BodyTooSlow,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    InternalError,
    MethodNotAllowed,
    NotFound,
    PreconditionFailed,
    Problem,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    ValidationFailed,
    json_pointer,
)
from todo.transport.speakable import speakable_error

_logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
# That a value could be null instead is told to nobody: it means no more than leaving it out.
NOT_NULL = "none_required"
_BY_STATUS: dict[int, type[Problem]] = {
    problem.status: problem
    for problem in (
        Unauthenticated,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        BodyTooSlow,
        Conflict,
        Gone,
        PreconditionFailed,
        BodyTooLarge,
        UnsupportedMediaType,
        ValidationFailed,
        TooManyRequests,
        InternalError,
        Unavailable,
    )
}


_EXAMPLE_ERROR: FieldError = {
    "location": "body",
    "pointer": "/title",
    "code": "string_too_long",
    "detail": "String should have at most 200 characters",
}


class FieldErrorRead(BaseModel):
    """One refused value."""

    location: str = Field(description="`body`, `query`, `path` or `header`.")
    pointer: str = Field(description="JSON pointer (RFC 6901) to the value within that location.")
    code: str
    detail: str


class ProblemRead(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="Names the kind of problem; ends in the `error_code`.")
    title: str
    status: int
    detail: str
    error_code: str = Field(description="Stable: programs decide by it.")
    request_id: str = Field(description="Also in the `X-Request-ID` header; quote it when you ask for help.")
    errors: list[FieldErrorRead] | None = Field(
        None,
        description="With 422 each refused value; of a batch, the operation; of an undo, what is in its way.",
    )


def problem_response(problem: Problem, request_id: str) -> Response:
    """Render a problem."""
    body: dict[str, Any] = _summary(type(problem)) | {"detail": problem.detail, "request_id": request_id}
    if problem.errors or problem.status == ValidationFailed.status:
        body["errors"] = problem.errors
    return JSONResponse(body, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def problem_responses(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """Describe the refusals of an operation for its OpenAPI entry."""
    return {problem.status: _described(problem) for problem in problems}


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of the application a problem."""

    async def on_problem(request: Request, problem: Exception) -> Response:
        if not isinstance(problem, Problem):
            raise problem
        if problem.__cause__ is not None:
            _logger.warning("%s: %s", problem.error_code, speakable_error(problem.__cause__))
        return problem_response(problem, request.state.request_id)

    async def on_validation_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        items = [item for item in error.errors() if item["type"] != NOT_NULL]
        problem = ValidationFailed(errors=[_field_error(item, error.body) for item in items])
        return problem_response(problem, request.state.request_id)

    async def on_http_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        problem = _BY_STATUS.get(error.status_code, ValidationFailed)()
        if error.status_code == MethodNotAllowed.status:
            problem.headers["Allow"] = ", ".join(_allowed_methods(request))
        return problem_response(problem, request.state.request_id)

    async def on_anything_else(request: Request, _error: Exception) -> Response:
        # It goes on to whoever logs it.
        return problem_response(InternalError(), request.state.request_id)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, on_anything_else)


def _summary(problem: type[Problem]) -> dict[str, Any]:
    return {
        "type": f"urn:todo:problem:{problem.error_code}",
        "title": problem.title,
        "status": problem.status,
        "detail": (problem.__doc__ or "").strip(),
        "error_code": problem.error_code,
    }


def _described(problem: type[Problem]) -> dict[str, Any]:
    example = _summary(problem) | {"request_id": "019a5e2c7a107c3e9d526b1f0c4a8e21"}
    if problem is ValidationFailed:
        example["errors"] = [_EXAMPLE_ERROR]
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    described: dict[str, Any] = {
        "description": example["detail"],
        "content": {MEDIA_TYPE: content},
    }
    if issubclass(problem, Unauthenticated):
        described["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if issubclass(problem, (TooManyRequests, Unavailable)):
        described["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return described


def _field_error(error: Mapping[str, Any], body: object) -> FieldError:
    location, *path = error["loc"]
    if location == "body":
        path = list(members(path, body, is_missing=error["type"] == "missing"))
    else:
        # Names and, of one that is repeated, a number; what follows are the validator's names for a choice.
        path = [*path[:1], *(step for step in path[1:] if isinstance(step, int))]
    return {
        "location": str(location),
        "pointer": json_pointer(path),
        "code": error["type"],
        "detail": str(error["msg"]).removeprefix("Value error, "),
    }


def members(path: Sequence[str | int], value: Any, *, is_missing: bool) -> Iterator[str | int]:
    """Give the steps that lead through the value; the others are the validator's names for a choice."""
    for number, step in enumerate(path, start=1):
        within = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(within, dict) and step in within:
            value = within[step]
            yield step
        elif is_missing and number == len(path):
            yield step


def _allowed_methods(request: Request) -> list[str]:
    """Collect the methods of every route at this path; the framework's own answer names one route's alone."""
    methods: set[str] = set()
    for route in request.app.routes:
        for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            match, _ = route.matches({**request.scope, "method": method})
            if match is Match.FULL:
                methods.add(method)
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)
