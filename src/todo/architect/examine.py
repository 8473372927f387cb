"""Examines the running system: calls every operation as its owner, as others, and wrongly."""

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

from todo.architect.case import Answer, Asked
from todo.architect.openapi import Document
from todo.architect.running import Running, body_of
from todo.architect.samples import Operation

_OWN_MEMBERS = ("id", "user_id", "created_at", "updated_at", "deleted_at", "version")
_FAILURES: dict[Asked, Exception] = {
    "crash": RuntimeError("planted"),
    "away": ConnectionRefusedError("planted"),
}


class Call(NamedTuple):
    """One operation called by its owner, and what was heard of it."""

    operation: Operation
    person: UUID
    reply: httpx2.Response
    statements: list[tuple[str, tuple[Any, ...]]]
    blocked_by: str | None


class Witness(logging.Handler):
    """Hears the log: what blocked the loop, and whether somebody's data is in it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.blocked_by: str | None = None

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


class Examiner:
    """Goes through every operation of a running system."""

    def __init__(self, running: Running, witness: Witness) -> None:
        self._running = running
        self._witness = witness
        self.document = Document(running.app.openapi())
        self.operations = [Operation(self.document, *one) for one in self.document.operations()]
        self._by_name = {operation.name: operation for operation in self.operations}
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
        await self._running.heard()
        self._witness.blocked_by = None
        replies = [
            await self._send(operation, person, item_id, sent=sent) for sent in operation.bodies(self.mark)
        ]
        reply = max(replies, key=lambda one: one.status_code)
        return Call(operation, person, reply, await self._running.heard(), self._witness.blocked_by)

    async def ask(
        self, operation: Operation, person: UUID, query: dict[str, Any]
    ) -> tuple[httpx2.Response, list[tuple[str, tuple[Any, ...]]]]:
        """Send one request with parameters, and give what was then heard."""
        await self._running.heard()
        reply = await self._send(operation, person, "", query=query)
        return reply, await self._running.heard()

    async def _item(self, operation: Operation, person: UUID) -> str:
        """Have somebody make what can be made, and give the id of what the operation is about."""
        collections = {one.collection for one in self.operations if one.collection}
        made = {path: await self._make(path, person) for path in sorted(collections)}
        return made.get(operation.collection or "", "")

    async def _make(self, collection: str, person: UUID) -> str:
        """Make a thing, or find one that came by itself; empty if there is none."""
        post, get = self._by_name.get(f"POST {collection}"), self._by_name.get(f"GET {collection}")
        body: Any = None
        if post is not None:
            body = body_of(await self._send(post, person, ""))
        elif get is not None:
            listed = body_of(await self._send(get, person, "")) or {}
            body = next((value[0] for value in listed.values() if isinstance(value, list) and value), None)
        return str(body.get("id", "")) if isinstance(body, dict) else ""

    async def _send(  # noqa: PLR0913  # a request has so many parts
        self, operation: Operation, person: UUID | None, item_id: str, *, token: str | None = None,
        mark: str | None = None, sent: tuple[str, Any] | None = None, **more: Any,
    ) -> httpx2.Response:  # fmt: skip
        media_type, body = sent or operation.bodies(mark or self.mark)[0]
        options = {"body": body, "media_type": media_type, **more}
        token = token or (self._running.issuer.token(person) if person else None)
        return await self._running.call(operation.method, operation.at(item_id), token=token, **options)

    async def answers(self) -> AsyncIterator[Answer]:
        """Ask every operation what it must refuse."""
        for operation in self.operations:
            if not operation.is_public:
                async for answer in self._strangers(operation):
                    yield answer
            async for answer in self._mistakes(operation):
                yield answer
        async for answer in self._failures():
            yield answer

    async def _strangers(self, operation: Operation) -> AsyncIterator[Answer]:
        owner, other, issuer = uuid4(), uuid4(), self._running.issuer
        item_id = await self._item(operation, owner)
        yield _answer(operation, "anonymous", await self._send(operation, None, item_id))
        forgeries = {
            "signed by another key": issuer.token(owner, key=Ed25519PrivateKey.generate()),
            "expired": issuer.token(owner, exp=1),
            "for another audience": issuer.token(owner, aud="https://elsewhere.invalid"),
            "no token": "x.y.z",
        }
        for detail, token in forgeries.items():
            reply = await self._send(operation, None, item_id, token=token)
            yield _answer(operation, "forged", reply, detail=detail)
        if operation.collection is not None:
            before = await self._seen(operation.collection, item_id, owner)
            reply = await self._send(operation, other, item_id, mark="of somebody else")
            after = await self._seen(operation.collection, item_id, owner)
            is_left_alone = before == after and self.mark not in reply.text
            yield _answer(operation, "foreign", reply, is_left_alone=is_left_alone)
        elif operation.method == "GET":
            free = [name for name in operation.query() if operation.values(name, self.mark)]
            for query in ({}, *({name: self.mark} for name in free)):
                reply = await self._send(operation, other, item_id, query=query)
                body = body_of(reply)
                total = body.get("total", 0) if isinstance(body, dict) else 0
                # A refusal may repeat what was asked.
                is_left_alone = reply.is_error or (not total and self.mark not in reply.text)
                yield _answer(operation, "foreign look", reply, is_left_alone=is_left_alone)

    async def _seen(self, collection: str, item_id: str, owner: UUID) -> str:
        """Give what the owner sees of a thing: alone where that can be asked for, else in the list."""
        looks = [one for one in self.operations if one.method == "GET" and _base(one.path) == collection]
        alone = [one for one in looks if one.path.endswith("}")]
        for operation in (alone or looks)[:1]:
            reply = await self._send(operation, owner, item_id)
            return str(reply.status_code) if reply.is_error else f"{reply.status_code} {reply.text}"
        return ""

    async def _mistakes(self, operation: Operation) -> AsyncIterator[Answer]:
        person = uuid4()
        sender = None if operation.is_public else person
        if operation.collection is not None:
            if operation.method != "PUT":
                reply = await self._send(operation, sender, str(uuids.uuid7()))
                yield _answer(operation, "unknown id", reply)
            yield _answer(operation, "malformed id", await self._send(operation, sender, "not-an-id"))
        item_id = await self._item(operation, person)
        if not operation.is_public:
            reply = await self._send(operation, sender, item_id, query={"nobody_knows": "1"})
            yield _answer(operation, "unknown parameter", reply)
        media_type, body = operation.bodies(self.mark)[0]
        if isinstance(body, dict):
            known = self.document.bodies(operation.described)[media_type].get("properties", {})
            for name in ("nobody_knows", *(one for one in _OWN_MEMBERS if one not in known)):
                asked: Asked = "unknown member" if name == "nobody_knows" else "server's own member"
                reply = await self._send(operation, sender, item_id, sent=(media_type, {**body, name: None}))
                yield _answer(operation, asked, reply, detail=name)

    async def _failures(self) -> AsyncIterator[Answer]:
        person, running = uuid4(), self._running
        operation = next(one for one in self.operations if one.collection is None and not one.is_public)
        token = running.issuer.token(person)
        reply = await running.call("GET", f"/nothing/{uuid4()}", token=token)
        yield _answer(operation, "unknown path", reply)
        reply = await running.call("TRACE", operation.path, token=token)
        yield _answer(operation, "other method", reply)
        for asked, failure in _FAILURES.items():
            running.ear.failure = failure
            try:
                yield _answer(operation, asked, await self._send(operation, person, ""))
            finally:
                running.ear.failure = None

    def chain(self, operation: Operation) -> tuple[tuple[str, ...], bool]:
        """Give what an operation passes through, and whether its handler is a coroutine."""
        for context in iter_route_contexts(self._running.app.routes):
            route = context.original_route
            is_this = context.path == operation.path and operation.method in (context.methods or ())
            if isinstance(route, APIRoute) and is_this:
                steps = [type(route).__name__, *_steps(context.dependant)]
                handler = inspect.unwrap(route.endpoint)
                is_async = inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler)
                return tuple(dict.fromkeys(steps)), is_async
        return (), False


def _base(path: str) -> str:
    return path.partition("/{")[0]


def _steps(dependant: Any) -> Iterator[str]:
    for needed in dependant.dependencies:
        yield getattr(needed.call, "__name__", type(needed.call).__name__).strip("_")
        yield from _steps(needed)


def _answer(operation: Operation, asked: Asked, reply: httpx2.Response, **more: Any) -> Answer:
    media_type = reply.headers.get("content-type", "").partition(";")[0]
    return Answer(operation.name, asked, reply.status_code, media_type, body_of(reply), **more)
