"""The application in this process: called without a socket, every statement heard."""

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from jwt.algorithms import OKPAlgorithm

from todo.architect.scratch import SECRET
from todo.auth.tokens import TokenVerifier
from todo.database.roles import APP_GROUP, login_of
from todo.database.transaction import Database, Pool
from todo.database.url import DatabaseUrl
from todo.migrations.runner import head_revision
from todo.settings import Settings, Wiring

if TYPE_CHECKING:
    Connection = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]

ORIGIN = "http://architect.invalid"
_KEY_ID = "architect"
_PATIENCE_SECONDS = 20.0
Application = Callable[..., FastAPI]


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
        self.heard: list[tuple[str, tuple[Any, ...]]] = []
        self.failure: Exception | None = None

    def database(self, pool: Pool, **options: Any) -> Database:
        self._pool = pool
        return Database(self, **options)

    async def acquire(self, *, timeout: float) -> "Connection":  # noqa: ASYNC109  # as the driver's pool has it
        if self.failure is not None:
            raise self.failure
        connection = await self._pool.acquire(timeout=timeout)
        connection.add_query_logger(self._hear)
        return connection

    async def release(self, connection: "Connection") -> None:
        connection.remove_query_logger(self._hear)
        await self._pool.release(connection)

    def _hear(self, record: asyncpg.connection.LoggedQuery) -> None:
        self.heard.append((record.query, tuple(record.args or ())))


@dataclass(frozen=True)
class Reply:
    """What came back from one request."""

    status: int
    media_type: str
    text: str

    @property
    def is_refusal(self) -> bool:
        return self.status >= 400  # noqa: PLR2004  # where refusals begin in HTTP

    @property
    def body(self) -> Any:
        """The JSON in it; None where it holds none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


class Running:
    """The application, who may sign in to it, and what it was heard to ask."""

    def __init__(self, app: FastAPI, issuer: Issuer, ear: Ear, bound_url: DatabaseUrl) -> None:
        self.app = app
        self.issuer = issuer
        self.ear = ear
        self.bound_url = bound_url

    async def call(  # noqa: PLR0913  # a request has so many parts
        self, method: str, path: str, *, token: str | None = None, query: Any = (), body: Any = None,
        media_type: str = "application/json",
    ) -> Reply:  # fmt: skip
        """Send one request and give the answer; of a stream, its beginning."""
        headers = {"host": "architect.invalid", "content-type": media_type}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        sent = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
            "query_string": urlencode(query, doseq=True).encode(), "client": ("127.0.0.1", 1),
            "server": ("architect.invalid", 80),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        requests = iter([{"type": "http.request", "body": sent, "more_body": False}])
        started: dict[str, Any] = {}
        received = bytearray()
        has_seen_enough = asyncio.Event()

        async def receive() -> dict[str, Any]:
            for message in requests:
                return message
            await has_seen_enough.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
                return
            received.extend(message.get("body", b""))
            if not message.get("more_body", False) or b"event-stream" in _media_type(started):
                has_seen_enough.set()

        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self.app(scope, receive, send)
        return Reply(started["status"], _media_type(started).decode(), received.decode("utf-8", "replace"))

    async def heard(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Give what was heard since this was last asked."""
        # The driver tells its listeners in the next round of the loop.
        await asyncio.sleep(0)
        heard, self.ear.heard = self.ear.heard, []
        return heard


def _media_type(started: dict[str, Any]) -> bytes:
    return bytes(dict(started["headers"]).get(b"content-type", b"").partition(b";")[0])


@asynccontextmanager
async def running(url: DatabaseUrl, application: Application) -> AsyncIterator[Running]:
    """Run the application on a scratch database; who signs in to it has the token of an issuer of ours."""
    bound, ear, issuer = login_of(APP_GROUP, url, SECRET), Ear(), Issuer()
    app = application(wiring(bound), open_database=ear.database)
    async with app.router.lifespan_context(app):
        tokens = TokenVerifier(issuer, issuer=ORIGIN, audience=f"{ORIGIN}/api", rests_on=None)
        app.state.backend = dataclasses.replace(app.state.backend, tokens=tokens)
        yield Running(app, issuer, ear, bound)


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
