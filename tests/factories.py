"""Makes what tests are about: issuers, services, people and their todos."""

import asyncio
import dataclasses
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from jwt.algorithms import OKPAlgorithm

from todo.app import create_app
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, create_logins, login_of
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, head_revision, migrate
from todo.settings import Limits, Wiring

SECRET = b"a secret for tests, of no use to anybody else"
AUDIENCE = "http://testserver/api"
MCP_AUDIENCE = "http://testserver/mcp"
LIMITS = Limits(rate_limit=1200, quota=100_000, batch_limit=100, agent_writes=1000)


class Issuer:
    """Signs tokens, and serves its public keys over HTTP as an outside issuer does."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.key_id = "first"
        self.published: dict[str, Ed25519PrivateKey] = {self.key_id: self.key}
        self.url = ""
        self.calls = 0
        self._is_away = False

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Issuer"]:
        issuer = cls()
        with ThreadingHTTPServer(("127.0.0.1", 0), issuer._handler()) as server:
            issuer.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            yield issuer
            server.shutdown()
            thread.join()

    def token(self, subject: str, **claims: Any) -> str:
        """A token that is good for ten minutes, unless `claims` spoil it; a claim of None is left out."""
        now = int(time.time())
        payload = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 600, **claims}
        payload = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(payload, self.key, algorithm="EdDSA", headers={"kid": self.key_id})

    def rotate(self) -> None:
        """Sign with a new key from now on; the old one stays published."""
        self.key = Ed25519PrivateKey.generate()
        self.key_id = uuid4().hex
        self.published[self.key_id] = self.key

    def back(self) -> None:
        """Answer again."""
        self._is_away = False

    @contextmanager
    def away(self) -> Iterator[None]:
        """Answer 503 meanwhile."""
        self._is_away = True
        try:
            yield
        finally:
            self.back()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Keys(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.calls += 1
                body = json.dumps({"keys": issuer._key_set()}).encode()
                self.send_response(503 if issuer._is_away else 200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Keys

    def _key_set(self) -> list[dict[str, Any]]:
        return [
            {**OKPAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "alg": "EdDSA"}
            for key_id, key in self.published.items()
        ]


class Person:
    """Somebody with a client that carries their token."""

    def __init__(
        self, client: httpx2.AsyncClient, token: str, subject: str, agent_token: str | None = None
    ) -> None:
        self.client = client
        self.token = token
        self.subject = subject
        self.agent_token = agent_token

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        token = self.agent_token if path == "/mcp" else self.token
        headers = {"authorization": f"Bearer {token}", **options.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **options)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("POST", path, **options)

    async def patch(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx2.Response:
        return await self.request("DELETE", path, **options)

    async def make_todo(self, title: str = "Water the plants", **fields: Any) -> dict[str, Any]:
        """Add a todo and give it back."""
        response = await self.post("/api/todos", json={"title": title, **fields})
        assert response.status_code == 201, response.text
        todo: dict[str, Any] = response.json()
        return todo


class Service:
    """The application in this process, on its own database."""

    def __init__(self, app: FastAPI, wiring: Wiring, owner_url: DatabaseUrl, issuer: Issuer) -> None:
        self.app = app
        self.wiring = wiring
        self.owner_url = owner_url
        self.issuer = issuer
        self.client = client_of(app)

    def person(self, subject: str | None = None) -> Person:
        subject = subject or str(uuid4())
        agent_token = self.issuer.token(subject, aud=MCP_AUDIENCE)
        return Person(self.client, self.issuer.token(subject), subject, agent_token)

    @asynccontextmanager
    async def another(self, **wired: Any) -> AsyncIterator["Service"]:
        """A second application on the same database, as another worker is; wired otherwise if told so."""
        wiring = dataclasses.replace(self.wiring, **wired)
        app = create_app(wiring)
        async with started(app):
            service = Service(app, wiring, self.owner_url, self.issuer)
            async with service.client:
                yield service


@asynccontextmanager
async def started(app: FastAPI) -> AsyncIterator[None]:
    """Run the application's lifespan in one task from start to end, as a server does."""
    ready, ending = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            ready.set()
            await ending.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live())
        await ready.wait()
        try:
            yield
        finally:
            ending.set()


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    """A client of an application in this process."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://testserver")


@asynccontextmanager
async def new_database(server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """An empty database, dropped at the end."""
    name = f"test_{uuid4().hex[:12]}"
    async with connect(server) as connection:
        await connection.execute(f"CREATE DATABASE {name}")
    try:
        yield DatabaseUrl(server.user, server.password, server.location, name, server.parameters)
    finally:
        async with connect(server) as connection:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def migrated_database(server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """A database as `todo serve` prepares it."""
    async with new_database(server) as url:
        async with alone(url) as gate:
            await migrate(url, gate)
            await create_logins(gate, url, SECRET)
        yield url


async def migrate_only(url: DatabaseUrl, revision: str = "head") -> None:
    """Bring a database to the newest schema, or to an older one."""
    async with alone(url) as gate:
        await migrate(url, gate, revision)


@asynccontextmanager
async def run_service(server: DatabaseUrl, issuer: Issuer) -> AsyncIterator[Service]:
    """The application on a new database."""
    async with migrated_database(server) as url:
        wiring = Wiring(
            origin="http://testserver",
            database_url=str(login_of(APP_GROUP, url, SECRET)),
            listen_url=str(login_of(APP_GROUP, url, SECRET)),
            pool_size=8,
            schema_revision=head_revision(),
            secret=SECRET,
            issuer=issuer.url,
            audience=AUDIENCE,
            mcp_audience=MCP_AUDIENCE,
            jwks_url=f"{issuer.url}/jwks",
            auth_socket=None,
            limits=LIMITS,
            runtime_folder=None,
            metrics_token=None,
            traces=False,
        )
        app = create_app(wiring)
        async with started(app):
            service = Service(app, wiring, url, issuer)
            async with service.client:
                yield service
