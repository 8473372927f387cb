"""The application in this process: called without a socket, every statement and every line of log heard."""

import asyncio
import dataclasses
import io
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from jwt.algorithms import OKPAlgorithm
from starlette.types import Message, Receive, Scope, Send

from todo.architect.openapi import Operation, operations_of
from todo.architect.scratch import SECRET
from todo.auth.tokens import TokenVerifier
from todo.database.roles import APP_GROUP, login_of
from todo.database.transaction import Database, Messages, Pool
from todo.database.url import DatabaseUrl
from todo.database.wire import Row
from todo.migrations.runner import head_revision
from todo.settings import Settings, Wiring

ORIGIN = "http://architect.invalid"
Application = Callable[..., FastAPI]
Statement = tuple[str, tuple[Any, ...]]
_KEY_ID = "architect"
_PATIENCE_SECONDS = 20.0
_SENDING = {"fetch", "fetchrow", "fetchval", "execute", "cursor"}
# What the application does by itself, beside requests, belongs to no operation.
_is_request: ContextVar[bool] = ContextVar("is_request", default=False)


class Issuer:
    """Signs tokens with a key of this process, and is where the application finds that key."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        public = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self._public = jwt.PyJWK({**public, "kid": _KEY_ID, "alg": "EdDSA"})

    async def get(self, key_id: str) -> jwt.PyJWK | None:
        return self.known(key_id)

    def known(self, key_id: str) -> jwt.PyJWK | None:
        return self._public if key_id == _KEY_ID else None

    def token(self, person: UUID, *, key: Ed25519PrivateKey | None = None, **claims: Any) -> str:
        """Give a token of somebody who has just signed in; with another key, a forged one."""
        now = int(time.time())
        said = {"iss": ORIGIN, "aud": f"{ORIGIN}/api", "sub": str(person), "iat": now, "exp": now + 600}
        payload = {**said, "auth_time": now, **claims}
        return jwt.encode(payload, key or self._key, algorithm="EdDSA", headers={"kid": _KEY_ID})


class Ear:
    """Stands before the pool: hears what is sent to the database, and can make it fail."""

    def __init__(self) -> None:
        self._heard: list[Statement] = []
        self.failure: Exception | None = None

    def database(self, pool: Pool, *, reads: Messages, writes: Messages, **options: Any) -> Database:
        """Open it, with this in the place of the pool and of what statements of their own go over."""
        self._pool = pool
        heard_reads, heard_writes = _Heard(reads, self._hear), _Heard(writes, self._hear)
        return Database(self, reads=heard_reads, writes=heard_writes, **options)

    async def acquire(self, *, timeout: float) -> Any:  # noqa: ASYNC109  # as the driver's pool has it
        if self.failure is not None:
            raise self.failure
        return _Heard(await self._pool.acquire(timeout=timeout), self._hear)

    def _hear(self, sql: str, values: Sequence[Any]) -> None:
        if self.failure is not None:
            raise self.failure
        if _is_request.get():
            self._heard.append((sql, tuple(values)))

    async def release(self, heard: Any) -> None:
        await self._pool.release(heard.connection)

    def take(self) -> list[Statement]:
        """Give what was heard since this was last asked."""
        heard, self._heard[:] = list(self._heard), []
        return heard


class _Heard:
    """A connection, or what statements of their own go over, that tells what is sent over it."""

    def __init__(self, connection: Any, hear: Callable[[str, Sequence[Any]], None]) -> None:
        self.connection = connection
        self._hear = hear

    def ask(self, sql: str, values: Sequence[Any], *, timeout: float) -> Awaitable[Row | None]:
        self._hear(sql, values)
        answer: Awaitable[Row | None] = self.connection.ask(sql, values, timeout=timeout)
        return answer

    def __getattr__(self, name: str) -> Any:
        sent = getattr(self.connection, name)

        def send(sql: str, *arguments: Any, **options: Any) -> Any:
            self._hear(sql, arguments)
            return sent(sql, *arguments, **options)

        return send if name in _SENDING else sent


class InProcess:
    """The application, who may sign in to it, and what was heard of it."""

    def __init__(self, app: FastAPI, issuer: Issuer, ear: Ear) -> None:
        self.app = app
        self.issuer = issuer
        self.ear = ear
        self.operations = operations_of(app.openapi())
        # Said in every text of an owner: whoever else sees it has seen too much.
        self.mark = f"mark {uuid4().hex[:12]}"
        transport = httpx2.ASGITransport(self._beginning, raise_app_exceptions=False)
        self._client = httpx2.AsyncClient(transport=transport, base_url=ORIGIN)

    async def send(self, operation: Operation, person: UUID | None, **changed: Any) -> httpx2.Response:
        """Send a request that is accepted, but for what is changed of it."""
        media_type, body = changed.get("content") or operation.samples(changed.get("mark", self.mark))[0]
        token = changed.get("token", self.issuer.token(person) if person else None)
        headers = {"content-type": media_type} | ({"authorization": f"Bearer {token}"} if token else {})
        method = changed.get("method", operation.method)
        path = changed.get("path", operation.at(changed.get("item_id", "")))
        content = body if body is None or isinstance(body, str) else json.dumps(body)
        request = self._client.build_request(
            method, path, params=changed.get("query"), content=content, headers=headers
        )
        self.ear.failure = changed.get("failure")
        context = _is_request.set(True)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._client.send(request)
        except TimeoutError:
            return httpx2.Response(HTTPStatus.GATEWAY_TIMEOUT, text="nothing was answered for too long")
        finally:
            _is_request.reset(context)
            self.ear.failure = None

    async def made(self, operation: Operation, person: UUID) -> str:
        """Have somebody make what can be made, and give the id of what the operation is about."""
        made = ""
        for one in self.operations:
            if one.method == "POST" and one.path in {it.collection for it in self.operations}:
                body = body_of(await self.send(one, person))
                made = str(body.get("id", "")) if one.path == operation.collection else made
        return made

    async def _beginning(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hang up on a stream of events when something has come: it would go on for ever."""
        is_stream = False

        async def pass_on(message: Message) -> None:
            nonlocal is_stream
            if message["type"] == "http.response.start":
                is_stream = b"event-stream" in dict(message["headers"]).get(b"content-type", b"")
            elif is_stream:
                message = {**message, "more_body": False}
            await send(message)

        await self.app(scope, receive, pass_on)


@asynccontextmanager
async def in_process(url: DatabaseUrl, application: Application) -> AsyncIterator[InProcess]:
    """Run the application on a scratch database; who signs in to it has the token of an issuer of ours."""
    ear, issuer = Ear(), Issuer()
    app = application(wiring(login_of(APP_GROUP, url, SECRET)), open_database=ear.database)
    async with app.router.lifespan_context(app):
        tokens = TokenVerifier(issuer, issuer=ORIGIN, audience=f"{ORIGIN}/api", rests_on=None)
        app.state.backend = dataclasses.replace(app.state.backend, tokens=tokens)
        yield InProcess(app, issuer, ear)


@contextmanager
def heard_log() -> Iterator[io.StringIO]:
    """Hear all that is logged, instead of those who usually do."""
    log, logger = io.StringIO(), logging.getLogger("todo")
    before = logger.level, logger.propagate, logger.handlers
    logger.level, logger.propagate, logger.handlers = logging.DEBUG, False, [logging.StreamHandler(log)]
    try:
        yield log
    finally:
        logger.level, logger.propagate, logger.handlers = before


def wiring(bound: DatabaseUrl) -> Wiring:
    """Give what an application of this process needs."""
    return Wiring(
        origin=ORIGIN,
        database_url=str(bound),
        listen_url=None,
        pool_size=4,
        schema_revision=head_revision(),
        secret=SECRET,
        issuer=ORIGIN,
        audience=f"{ORIGIN}/api",
        mcp_audience=f"{ORIGIN}/mcp",
        # Nobody is there: its place is taken by the issuer above.
        jwks_url="http://127.0.0.1:1/jwks",
        auth_socket=None,
        limits=Settings.model_construct(rate_limit=0, quota=0, agent_writes=0).limits,
        runtime_folder=None,
        metrics_token=None,
        traces=False,
    )


def body_of(reply: httpx2.Response) -> dict[str, Any]:
    """Give the object in an answer; an empty one where it holds none."""
    try:
        body = reply.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
