"""The application in this process: called without a socket, every statement heard."""

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from jwt.algorithms import OKPAlgorithm
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo.architect.scratch import SECRET
from todo.auth.tokens import TokenVerifier
from todo.database.roles import APP_GROUP, login_of
from todo.database.transaction import Database, Messages, Pool
from todo.database.url import DatabaseUrl
from todo.database.wire import Row
from todo.migrations.runner import head_revision
from todo.settings import Settings, Wiring

ORIGIN = "http://architect.invalid"
_KEY_ID = "architect"
_PATIENCE_SECONDS = 20.0
_SENDING = {"fetch", "fetchrow", "fetchval", "execute", "cursor"}
Application = Callable[..., FastAPI]
Statement = tuple[str, tuple[Any, ...]]
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


class _Heard:
    """A connection that tells what is sent over it."""

    def __init__(self, connection: Any, heard: list[Statement]) -> None:
        self.connection = connection
        self._heard = heard

    def __getattr__(self, name: str) -> Any:
        sent = getattr(self.connection, name)

        def send(sql: str, *arguments: Any, **options: Any) -> Any:
            if _is_request.get():
                self._heard.append((sql, arguments))
            return sent(sql, *arguments, **options)

        return send if name in _SENDING else sent


class _HeardMessages:
    """Connections for statements of their own that tell what is sent over them."""

    def __init__(self, ear: "Ear", messages: Messages) -> None:
        self._ear = ear
        self._messages = messages

    async def ask(self, sql: str, values: Sequence[Any], *, timeout: float) -> Row | None:  # noqa: ASYNC109  # as `Messages` has it
        self._ear.hear(sql, values)
        return await self._messages.ask(sql, values, timeout=timeout)


class Ear:
    """Stands before the pool: hears what is sent to the database, and can make it fail."""

    def __init__(self) -> None:
        self._heard: list[Statement] = []
        self.failure: Exception | None = None

    def database(self, pool: Pool, *, reads: Messages, writes: Messages, **options: Any) -> Database:
        self._pool = pool
        return Database(
            self, reads=_HeardMessages(self, reads), writes=_HeardMessages(self, writes), **options
        )

    def hear(self, sql: str, arguments: Sequence[Any]) -> None:
        if self.failure is not None:
            raise self.failure
        if _is_request.get():
            self._heard.append((sql, tuple(arguments)))

    def heard(self) -> list[Statement]:
        """Give what was heard since this was last asked."""
        heard, self._heard[:] = list(self._heard), []
        return heard

    async def acquire(self, *, timeout: float) -> Any:  # noqa: ASYNC109  # as the driver's pool has it
        if self.failure is not None:
            raise self.failure
        return _Heard(await self._pool.acquire(timeout=timeout), self._heard)

    async def release(self, heard: Any) -> None:
        await self._pool.release(heard.connection)


class InProcess:
    """The application, who may sign in to it, and what it was heard to ask."""

    def __init__(self, app: FastAPI, issuer: Issuer, ear: Ear) -> None:
        self.app = app
        self.issuer = issuer
        self.ear = ear
        transport = httpx2.ASGITransport(_beginnings(app), raise_app_exceptions=False)
        self._client = httpx2.AsyncClient(transport=transport, base_url=ORIGIN)

    async def call(
        self, method: str, path: str, token: str | None, query: Any, content: tuple[str, Any]
    ) -> httpx2.Response:
        """Send one request and give the answer; of a stream, its beginning."""
        media_type, body = content
        headers = {"content-type": media_type} | ({"authorization": f"Bearer {token}"} if token else {})
        sent = body if body is None or isinstance(body, str) else json.dumps(body)
        context = _is_request.set(True)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._client.request(method, path, params=query, content=sent, headers=headers)
        finally:
            _is_request.reset(context)


def _beginnings(app: ASGIApp) -> ASGIApp:
    """Hang up on a stream of events when something has come: it would go on for ever."""

    async def first_only(scope: Scope, receive: Receive, send: Send) -> None:
        is_stream = False

        async def pass_on(message: Message) -> None:
            nonlocal is_stream
            if message["type"] == "http.response.start":
                is_stream = b"event-stream" in dict(message["headers"]).get(b"content-type", b"")
            elif is_stream:
                message = {**message, "more_body": False}
            await send(message)

        await app(scope, receive, pass_on)

    return first_only


@asynccontextmanager
async def in_process(url: DatabaseUrl, application: Application) -> AsyncIterator[InProcess]:
    """Run the application on a scratch database; who signs in to it has the token of an issuer of ours."""
    ear, issuer = Ear(), Issuer()
    app = application(wiring(login_of(APP_GROUP, url, SECRET)), open_database=ear.database)
    async with app.router.lifespan_context(app):
        tokens = TokenVerifier(issuer, issuer=ORIGIN, audience=f"{ORIGIN}/api", rests_on=None)
        app.state.backend = dataclasses.replace(app.state.backend, tokens=tokens)
        yield InProcess(app, issuer, ear)


async def tools_of(app: FastAPI) -> list[dict[str, Any]]:
    """Give the tools an application lists, as clients are told of them."""
    listed = await app.state.mcp.list_tools()
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]


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
