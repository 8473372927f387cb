"""An endpoint and its dependencies, worked out when the application starts instead of at every request.

FastAPI looks at each parameter anew for each request. What it documents stays as it is; here the plain case
alone is called directly: what is given is valid, and every function is a coroutine. Anything else is left to
the framework, before any function has been called, so that what is refused is refused as ever.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl

from fastapi._compat import ModelField, field_annotation_is_sequence
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.params import Body
from fastapi.requests import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute, serialize_response
from pydantic import BaseModel, TypeAdapter, ValidationError

_JSON = "application/json"
_QUERIES = 256
_SHORT_QUERY_BYTES = 80
_Read = Callable[[Request], Any]


class NotPlainError(Exception):
    """The framework has to do it: a declaration that is not known here, or a value that it may refuse."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One function, how its arguments are read, and which of them earlier steps give."""

    call: Callable[..., Any]
    is_open_until_answered: bool
    reads: tuple[tuple[str, _Read], ...]
    given: tuple[tuple[str, int], ...]
    body_name: str | None
    response_name: str | None


class CompiledCall:
    """Calls what a route declares."""

    def __init__(self, route: APIRoute, steps: list[_Step], body: TypeAdapter[Any] | None) -> None:
        self._steps = steps
        self._body = body
        self._response_field = route.response_field
        self._response_class = route.response_class
        self._status = route.status_code
        self._keeps_open = any(step.is_open_until_answered for step in steps)
        self._wants_response = any(step.response_name for step in steps)

    @classmethod
    def of(cls, route: APIRoute) -> Self:
        """Compile a route; raises `NotPlainError` if there is anything about it that is not known here."""
        _require(not (route.is_sse_stream or route.is_json_stream))
        _require(route.response_field is not None or route.response_class is Response or _answers(route))
        for narrowed in ("include", "exclude", "exclude_unset", "exclude_defaults", "exclude_none"):
            _require(not getattr(route, f"response_model_{narrowed}"))
        _require(route.response_field is None or isinstance(route.response_class, DefaultPlaceholder))
        compiler = _Compiler()
        compiler.add(route.dependant)
        return cls(route, compiler.steps, compiler.body)

    async def __call__(self, request: Request) -> Response:
        """Answer; raises `NotPlainError`, before anything is called, for what the framework may refuse."""
        body = None if self._body is None else await _body_of(request, self._body)
        arguments = [{name: read(request) for name, read in step.reads} for step in self._steps]
        if not self._keeps_open:
            return await self._called(arguments, body, None)
        answer = None
        # What is open ends before the answer leaves.
        async with AsyncExitStack() as stack:
            answer = await self._called(arguments, body, stack)
        if answer is None:
            raise RuntimeError("a dependency has kept an exception to itself")
        return answer

    async def _called(
        self, arguments: list[dict[str, Any]], body: Any, stack: AsyncExitStack | None
    ) -> Response:
        results: list[Any] = []
        aside = _empty_response() if self._wants_response else None
        for step, named in zip(self._steps, arguments, strict=True):
            for name, number in step.given:
                named[name] = results[number]
            if step.body_name is not None:
                named[step.body_name] = body
            if step.response_name is not None:
                named[step.response_name] = aside
            if stack is not None and step.is_open_until_answered:
                results.append(await stack.enter_async_context(step.call(**named)))
            else:
                results.append(await step.call(**named))
        answer = results[-1]
        return answer if isinstance(answer, Response) else await self._written(answer, aside)

    async def _written(self, answer: Any, aside: Response | None) -> Response:
        status = (aside.status_code if aside else None) or self._status or 200
        if self._response_field is None:
            response = Response(answer, status)
        else:
            text = await serialize_response(
                field=self._response_field, response_content=answer, dump_json=True
            )
            response = Response(text, status, media_type=_JSON)
        if aside is not None:
            response.headers.raw.extend(aside.headers.raw)
        return response


class _Compiler:
    """Puts functions into the order in which the framework would call them."""

    def __init__(self) -> None:
        self.steps: list[_Step] = []
        self.body: TypeAdapter[Any] | None = None
        self._known: dict[object, int] = {}

    def add(self, dependant: Dependant) -> int:
        """Add a function after those it depends on, and give its number."""
        key = (dependant.call, dependant.scope)
        if dependant.use_cache and key in self._known:
            return self._known[key]
        given = [(sub.name, self.add(sub)) for sub in dependant.dependencies]
        self.steps.append(
            _Step(
                *_callable(dependant),
                reads=tuple(_reads(dependant)),
                given=tuple((name, number) for name, number in given if name is not None),
                body_name=self._body_name(dependant),
                response_name=dependant.response_param_name,
            )
        )
        self._known[key] = len(self.steps) - 1
        return self._known[key]

    def _body_name(self, dependant: Dependant) -> str | None:
        if not dependant.body_params:
            return None
        field, *others = dependant.body_params
        info = field.field_info
        _require(self.body is None and not others and type(info) is Body and not info.embed)
        # From bytes to a model without objects in between; what is no such model is looked at once more.
        self.body = TypeAdapter[Any](Annotated[info.annotation, info])  # type: ignore[arg-type]  # a form as well
        return field.name


def _callable(dependant: Dependant) -> tuple[Callable[..., Any], bool]:
    call = dependant.call
    _require(
        call is not None
        and dependant.concurrency is None
        and not dependant.cookie_params
        and not dependant.own_oauth_scopes
        and dependant.websocket_param_name is None
        and dependant.http_connection_param_name is None
        and dependant.background_tasks_param_name is None
        and dependant.security_scopes_param_name is None
    )
    if inspect.isasyncgenfunction(call):
        # One of the request's scope is open while the answer is sent.
        _require(dependant.scope == "function")
        opened: Callable[..., AbstractAsyncContextManager[Any]] = asynccontextmanager(call)
        return opened, True
    _require(inspect.iscoroutinefunction(call))
    return call, False  # type: ignore[return-value]  # known not to be None by now


def _reads(dependant: Dependant) -> Iterator[tuple[str, _Read]]:
    if dependant.request_param_name is not None:
        yield dependant.request_param_name, lambda request: request
    for field in dependant.path_params:
        yield field.name, _path_value(field)
    for field in dependant.header_params:
        yield field.name, _header_value(field)
    _require(len(dependant.query_params) <= 1)
    for field in dependant.query_params:
        yield field.name, _query_model(field)


def _path_value(field: ModelField) -> _Read:
    _require_single(field)
    alias = field.alias
    return lambda request: _valid(field, request.scope["path_params"][alias])


def _header_value(field: ModelField) -> _Read:
    _require_single(field)
    wanted = field.alias.lower().encode("latin-1")
    _require(field.default is None and not field.field_info.validate_default)

    def read(request: Request) -> Any:
        for name, value in request.scope["headers"]:
            if name == wanted:
                return _valid(field, value.decode("latin-1"))
        return None

    return read


def _query_model(field: ModelField) -> _Read:
    model: Any = field.field_info.annotation
    _require(isinstance(model, type) and issubclass(model, BaseModel))
    repeated: dict[str, bool] = {}
    for name, info in model.model_fields.items():
        _require(info.alias is None and info.validation_alias is None)
        repeated[name] = field_annotation_is_sequence(info.annotation)

    def parsed(query: bytes) -> Any:
        given: dict[str, Any] = {}
        for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            if repeated.get(name):
                given.setdefault(name, []).append(value)
            elif name in repeated:
                given[name] = value
            else:
                # Whether one that is not known is refused is for the model and the framework to say.
                raise NotPlainError
        return _valid(field, given)

    if not model.model_config.get("frozen"):
        return lambda request: parsed(request.scope["query_string"])
    # Many ask the same, and what nobody can change serves them all. A long one is hardly asked twice.
    remembered = functools.lru_cache(maxsize=_QUERIES)(parsed)

    def read(request: Request) -> Any:
        query = request.scope["query_string"]
        return remembered(query) if len(query) <= _SHORT_QUERY_BYTES else parsed(query)

    return read


async def _body_of(request: Request, adapter: TypeAdapter[Any]) -> Any:
    body = await request.body()
    if not body or request.headers.get("content-type") != _JSON:
        raise NotPlainError
    try:
        return adapter.validate_json(body)
    except ValidationError:
        raise NotPlainError from None


def _valid(field: ModelField, value: Any) -> Any:
    valid, errors = field.validate(value)
    if errors:
        raise NotPlainError
    return valid


def _empty_response() -> Response:
    # For the endpoint to put headers on, as the framework makes it.
    response = Response()
    del response.headers["content-length"]
    response.status_code = None  # type: ignore[assignment]
    return response


def _answers(route: APIRoute) -> bool:
    returned = inspect.signature(route.endpoint).return_annotation
    return isinstance(returned, type) and issubclass(returned, Response)


def _require_single(field: ModelField) -> None:
    info = field.field_info
    _require(info.validation_alias in {None, field.alias})
    _require(not field_annotation_is_sequence(info.annotation))
    annotation = info.annotation
    _require(not (isinstance(annotation, type) and issubclass(annotation, BaseModel)))


def _require(is_plain: object) -> None:
    if not is_plain:
        raise NotPlainError
