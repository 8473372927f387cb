"""Asks every operation of the running system what it must refuse, and judges what it answers."""

from collections.abc import AsyncIterator, Container, Iterator
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx2
import uuid_utils.compat as uuids
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from todo.architect.application import InProcess, body_of
from todo.architect.constitution import Constitution
from todo.architect.design import SERVERS_OWN, Design, Endpoint
from todo.architect.openapi import Operation
from todo.architect.verdict import Seen

_UNKNOWN = "nobody_knows"
_PROBLEM = {"status", "detail", "error_code"}
_ANY, _REFUSED = range(200, 600), range(400, 600)


class Question(NamedTuple):
    """What is asked, for which rule, with which answers that one allows; else the request is as accepted."""

    asked: str
    changed: dict[str, Any]
    rule: str = ""
    allowed: Container[int] = _ANY


async def probe(system: InProcess, live: Design, constitution: Constitution) -> AsyncIterator[Seen]:
    """Ask every operation, and one of them what does not depend on which."""
    whole = next(one for one in system.operations if one.collection is None and not one.is_public)
    for operation, endpoint in zip(system.operations, live.api.endpoints, strict=True):
        owner = None if operation.is_public else uuid4()
        item_id = await system.made(operation, owner) if owner else ""
        if operation.method == "GET":
            # What is kept of the owner's own look must not be shown to anybody else.
            await system.send(operation, owner, item_id=item_id)
        decided = constitution.decided("foreign", endpoint.table or "")
        strangers = _strangers(system, operation, owner, decided) if owner else ()
        failures = _failures() if operation is whole else ()
        for question in [*strangers, *_mistakes(operation, endpoint, system.mark), *failures]:
            reply = await system.send(operation, **{"person": owner, "item_id": item_id, **question.changed})
            for one in judged(question, reply, system.mark):
                yield one._replace(where=operation.name, evidence=f"{reply.status_code} {reply.text[:200]}")


def judged(question: Question, reply: httpx2.Response, mark: str) -> Iterator[Seen]:
    """Say what is wrong with an answer; `mark` is what nobody but the owner may be shown."""
    said = f"{reply.status_code} to {question.asked}"
    if question.rule:
        yield Seen(question.rule, "", "" if reply.status_code in question.allowed else f"answers {said}")
    # A refusal may repeat what was asked.
    is_echo = reply.is_error and "query" in question.changed
    if question.rule == "AUTH-3" and (body_of(reply).get("total") or (mark in reply.text and not is_echo)):
        yield Seen("AUTH-3", "", "shows what belongs to somebody else")
    if reply.is_error:
        body, media_type = body_of(reply), reply.headers.get("content-type", "").partition(";")[0]
        wrong = [f"no {name}" for name in sorted(_PROBLEM - set(body))]
        if body.get("status", reply.status_code) != reply.status_code:
            wrong.append(f"says {body['status']}")
        if media_type != "application/problem+json":
            wrong.append(f"is {media_type}")
        yield Seen("ERR-2", "", f"{said}: {', '.join(wrong)}" if wrong else "")


def _strangers(
    system: InProcess, operation: Operation, owner: UUID, decided: str | None
) -> Iterator[Question]:
    """Ask as somebody who may not."""
    other, token, unknown = uuid4(), system.issuer.token, {HTTPStatus.UNAUTHORIZED}
    forged = {
        "a token signed by another key": token(owner, key=Ed25519PrivateKey.generate()),
        "an expired token": token(owner, exp=1),
        "a token for another audience": token(owner, aud="https://elsewhere.invalid"),
        "what is no token": "x.y.z",
    }
    yield Question("nobody", {"person": None}, "AUTH-2", unknown)
    yield from (Question(said, {"token": it}, "AUTH-2", unknown) for said, it in forged.items())
    if operation.collection is not None:
        # Under an id of one's own choice there is one's own thing, whoever else has chosen it.
        allowed = _ANY if operation.method == "PUT" else {int(decided)} if decided else _REFUSED
        yield Question("another person", {"person": other, "mark": "of another"}, "AUTH-3", allowed)
    elif operation.method == "GET":
        searches = [it for it in operation.query if system.mark in operation.values(it, system.mark)]
        for query in [{}, *({name: system.mark} for name in searches)]:
            yield Question("another person", {"person": other, "query": query}, "AUTH-3")


def _mistakes(operation: Operation, endpoint: Endpoint, mark: str) -> Iterator[Question]:
    """Ask for what is not there, and say what nobody should."""
    if not operation.is_public:
        yield Question("an unknown parameter", {"query": {_UNKNOWN: "1"}}, "API-3", _REFUSED)
    if operation.collection is not None:
        yield Question("a malformed id", {"item_id": "not-an-id"}, "API-3", _REFUSED)
        # Under an id of one's own choice one makes what is not there.
        if operation.method != "PUT":
            yield Question("an unknown id", {"item_id": str(uuids.uuid7())}, "API-1", {HTTPStatus.NOT_FOUND})
    media_type, body = operation.samples(mark)[0]
    if isinstance(body, dict):
        known = {*operation.bodies[media_type].get("properties", {})}
        own = sorted({*SERVERS_OWN, "user_id"} - known) if endpoint.table else []
        for name, rule in {_UNKNOWN: "API-3", **dict.fromkeys(own, "MAP-4")}.items():
            yield Question(
                f"a member {name}", {"content": (media_type, {**body, name: None})}, rule, _REFUSED
            )


def _failures() -> Iterator[Question]:
    yield Question("an unknown path", {"method": "GET", "path": f"/nothing/{uuid4()}"})
    yield Question("another method", {"method": "TRACE"})
    yield Question("a crash", {"failure": RuntimeError("planted")})
    yield Question("a database that is away", {"failure": ConnectionRefusedError("planted")})
