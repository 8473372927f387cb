"""Calls every operation of the running system: as its owner, as others, and wrongly."""

import inspect
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx2
import uuid_utils.compat as uuids
from blockbuster import BlockingError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.routing import APIRoute, iter_route_contexts

from todo.architect.design import SERVERS_OWN
from todo.architect.evidence import Answer, Asked
from todo.architect.in_process import InProcess, Statement
from todo.architect.openapi import Operation, operations_of

_UNKNOWN = "nobody_knows"


class Call(NamedTuple):
    """One operation called by its owner, and what was heard of it."""

    operation: Operation
    person: UUID
    status: int
    statements: list[Statement]
    blocked_by: str


class Witness(logging.Handler):
    """Hears the log: what blocked the loop, and whether somebody's data is in it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.blocked_by = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        error = record.exc_info[1] if record.exc_info else None
        while error is not None:
            if isinstance(error, BlockingError):
                self.blocked_by = str(error)
            error = error.__cause__ or error.__context__


@contextmanager
def witnessed() -> Iterator[Witness]:
    """Hear all that is logged, instead of those who usually do."""
    logger, witness = logging.getLogger("todo"), Witness()
    before = logger.level, logger.propagate, logger.handlers
    logger.level, logger.propagate, logger.handlers = logging.DEBUG, False, [witness]
    try:
        yield witness
    finally:
        logger.level, logger.propagate, logger.handlers = before


class Prober:
    """Goes through every operation of a running system."""

    def __init__(self, system: InProcess, witness: Witness) -> None:
        self._system = system
        self._witness = witness
        self.operations = operations_of(system.app.openapi())
        collections = {one.collection for one in self.operations}
        self._makers = [one for one in self.operations if one.method == "POST" and one.path in collections]
        # Said in every text of a probe's owner: whoever else sees it has seen too much.
        self.mark = f"mark {uuid4().hex[:12]}"

    async def calls(self) -> list[Call]:
        """Call every operation as its owner, each as somebody new."""
        return [await self._call(operation) for operation in self.operations]

    async def _call(self, operation: Operation) -> Call:
        person = uuid4()
        item_id = await self._item(operation, person)
        if operation.method == "PUT":
            item_id = str(uuids.uuid7())
        self._system.ear.heard()
        self._witness.blocked_by = ""
        bodies = operation.samples(self.mark)
        replies = [await self.send(operation, person, item_id=item_id, content=body) for body in bodies]
        status = max(reply.status_code for reply in replies)
        return Call(operation, person, status, self._system.ear.heard(), self._witness.blocked_by)

    async def ask(
        self, operation: Operation, person: UUID, query: dict[str, Any]
    ) -> tuple[httpx2.Response, list[Statement]]:
        """Send one request with parameters, and give what was then heard."""
        self._system.ear.heard()
        return await self.send(operation, person, query=query), self._system.ear.heard()

    async def _item(self, operation: Operation, person: UUID) -> str:
        """Have somebody make what can be made, and give the id of what the operation is about."""
        made = {one.path: body_of(await self.send(one, person)) for one in self._makers}
        return str((made.get(operation.collection or "") or {}).get("id", ""))

    async def send(self, operation: Operation, person: UUID | None, **changed: Any) -> httpx2.Response:
        """Send a request that is accepted, but for what is changed of it."""
        token = changed.get("token", self._system.issuer.token(person) if person else None)
        content = changed.get("content") or operation.samples(changed.get("mark", self.mark))[0]
        method = changed.get("method", operation.method)
        path = changed.get("path", operation.at(changed.get("item_id", "")))
        self._system.ear.failure = changed.get("failure")
        try:
            return await self._system.call(method, path, token, changed.get("query", ()), content)
        finally:
            self._system.ear.failure = None

    async def answers(self) -> AsyncIterator[Answer]:
        """Ask every operation what it must refuse."""
        whole = next(one for one in self.operations if one.collection is None and not one.is_public)
        for operation in self.operations:
            owner = None if operation.is_public else uuid4()
            item_id = await self._item(operation, owner) if owner else ""
            if operation.method == "GET":
                # What is kept of the owner's own look must not be shown to anybody else.
                await self.send(operation, owner, item_id=item_id)
            questions = [*self._strangers(operation, owner), *self._mistakes(operation)]
            for asked, detail, changed in [*questions, *(_failures() if operation is whole else ())]:
                sender = changed.pop("person", owner)
                reply = await self.send(operation, sender, **{"item_id": item_id, **changed})
                media_type, body = reply.headers.get("content-type", "").partition(";")[0], body_of(reply)
                total = body.get("total") if isinstance(body, dict) else None
                # A refusal may repeat what was asked.
                shows = (self.mark in reply.text and not (reply.is_error and "query" in changed)) or total
                shows_mark = asked.startswith("foreign") and bool(shows)
                yield Answer(
                    operation.name, asked, reply.status_code, media_type, body, detail, shows_mark=shows_mark
                )

    def _strangers(
        self, operation: Operation, owner: UUID | None
    ) -> Iterator[tuple[Asked, str, dict[str, Any]]]:
        if owner is None:
            return
        other, token = uuid4(), self._system.issuer.token
        yield "anonymous", "", {"person": None}
        yield "forged", "signed by another key", {"token": token(owner, key=Ed25519PrivateKey.generate())}
        yield "forged", "expired", {"token": token(owner, exp=1)}
        yield "forged", "for another audience", {"token": token(owner, aud="https://elsewhere.invalid")}
        yield "forged", "no token", {"token": "x.y.z"}
        yield "unknown parameter", "", {"query": {_UNKNOWN: "1"}}
        if operation.collection is not None:
            yield "foreign", "", {"person": other, "mark": "of somebody else"}
        elif operation.method == "GET":
            yield "foreign look", "", {"person": other}
            for name in operation.query:
                if self.mark in operation.values(name, self.mark):
                    yield "foreign look", name, {"person": other, "query": {name: self.mark}}

    def _mistakes(self, operation: Operation) -> Iterator[tuple[Asked, str, dict[str, Any]]]:
        if operation.collection is not None:
            yield "malformed id", "", {"item_id": "not-an-id"}
            if operation.method != "PUT":
                yield "unknown id", "", {"item_id": str(uuids.uuid7())}
        media_type, body = operation.samples(self.mark)[0]
        if isinstance(body, dict):
            known = operation.bodies[media_type].get("properties", {})
            yield "unknown member", "", {"content": (media_type, {**body, _UNKNOWN: None})}
            for name in sorted({*SERVERS_OWN, "user_id"} - set(known)):
                yield "server's own member", name, {"content": (media_type, {**body, name: None})}

    def chain(self, operation: Operation) -> tuple[tuple[str, ...], bool]:
        """Give what an operation passes through, and whether its handler is a coroutine."""
        for context in iter_route_contexts(self._system.app.routes):
            route = context.original_route
            is_this = context.path == operation.path and operation.method in (context.methods or ())
            if isinstance(route, APIRoute) and is_this:
                steps = [type(route).__name__, *_steps(context.dependant)]
                handler = inspect.unwrap(route.endpoint)
                is_async = inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler)
                return tuple(dict.fromkeys(steps)), is_async
        return (), False


def _failures() -> Iterator[tuple[Asked, str, dict[str, Any]]]:
    yield "unknown path", "", {"method": "GET", "path": f"/nothing/{uuid4()}"}
    yield "other method", "", {"method": "TRACE"}
    yield "crash", "", {"failure": RuntimeError("planted")}
    yield "away", "", {"failure": ConnectionRefusedError("planted")}


def _steps(dependant: Any) -> Iterator[str]:
    for needed in dependant.dependencies:
        yield getattr(needed.call, "__name__", type(needed.call).__name__).strip("_")
        yield from _steps(needed)


def body_of(reply: httpx2.Response) -> Any:
    """Give the JSON in an answer; None where it holds none."""
    try:
        return reply.json()
    except ValueError:
        return None
