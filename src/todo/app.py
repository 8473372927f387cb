"""Puts the HTTP application together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry

from todo.auth.keys import IssuerKeys
from todo.auth.proxy import AuthProxy
from todo.auth.tokens import TokenVerifier
from todo.database.engine import open_pool, open_reads, open_writes
from todo.database.measured_pool import MeasuredPool, gauge_of
from todo.database.notifications import Announcer, Listener
from todo.database.transaction import Database
from todo.database.url import DatabaseUrl
from todo.features.account import api as account
from todo.features.activity import api as activity
from todo.features.keys import api as keys
from todo.features.todos import api as todos
from todo.features.todos.service import index_todos
from todo.mcp_server import create_mcp_server, mcp_route
from todo.problems import CannotStart
from todo.settings import Wiring
from todo.transport.api_keys import ApiKeys
from todo.transport.app_names import AppNames
from todo.transport.application import Application
from todo.transport.background import Background
from todo.transport.discovery import resource_routes
from todo.transport.event_stream import EventStreams
from todo.transport.guard import Guard
from todo.transport.health import health_router
from todo.transport.http_request import SECURITY_SCHEMES, Backend
from todo.transport.metrics import RequestMetrics
from todo.transport.metrics_page import MetricsPage, collector_of
from todo.transport.pages import page_routes
from todo.transport.problem_json import ProblemRead, install_problem_handlers
from todo.transport.rate_limit import Policy, RateLimiter, open_rate_limiter
from todo.transport.sign_in import sign_in_routes

if TYPE_CHECKING:
    from todo.transport.tracing import Tracing

_DESCRIPTION = """\
One backend for a person's todos, and for every client that touches them.

**Sign in**: `POST /api/auth/sign-up/email` (or `/sign-in/email`) answers a session token; with it as bearer,
`GET /api/auth/token` answers an access token of ten minutes. Send that to everything below.

**Errors** are `application/problem+json`; programs decide by `error_code`.
"""

OpenDatabase = Callable[..., Database]
_SAID_TO_ANYBODY = {"401", "408", "413"}
_RATE_LIMIT_HEADERS = {
    "RateLimit-Policy": {
        "description": "How many requests a person may send (`q`) in how many seconds (`w`).",
        "schema": {"type": "string"},
        "example": '"person";q=1200;w=60',
    },
    "RateLimit": {
        "description": "How many are left (`r`), and the seconds until there is one more (`t`).",
        "schema": {"type": "string"},
        "example": '"person";r=1199;t=1',
    },
}
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def create_app(wiring: Wiring, *, open_database: OpenDatabase = Database) -> FastAPI:
    """Build the application of one worker; how it opens its database may be handed in."""
    registry = CollectorRegistry()
    tracing = _open_tracing() if wiring.traces else None
    app = Application(
        partial(Guard, metrics=RequestMetrics(registry), uploads={account.IMPORT_PATH}),
        # It passes by where the framework names what it traces.
        has_shortcut=tracing is None,
        title="Todo Evolution",
        version=version("todo-evolution"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lambda app: _lifespan(app, wiring, registry, tracing, open_database),
        telemetry=tracing.telemetry if tracing else _NO_TELEMETRY,
    )
    install_problem_handlers(app)
    health = health_router(wiring.schema_revision)
    for router in (todos.router, todos.events_router, activity.router, keys.router, account.router, health):
        # As they are: the way through an included router is looked for twice.
        app.router.routes.extend(router.routes)
    mcp = create_mcp_server(lambda: app.state.backend, secret=wiring.secret)
    app.state.mcp = mcp
    app.router.routes.append(mcp_route(mcp, wiring.origin))
    app.router.routes.extend(resource_routes(wiring.mcp_audience, wiring.issuer))

    async def ask_database() -> None:
        await app.state.backend.database.ping()

    questions = {"todo_database_up": ask_database}
    if wiring.auth_socket:
        proxy = AuthProxy(httpx2.AsyncHTTPTransport(uds=wiring.auth_socket))
        app.router.routes.extend(sign_in_routes(proxy))
        questions["todo_auth_server_up"] = proxy.ping
    counted = collector_of(wiring.metrics_folder) if wiring.metrics_folder else registry
    app.router.routes.append(MetricsPage(counted, wiring.metrics_token, questions).route())
    _add_pages(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def _open_tracing() -> "Tracing":
    from todo.transport.tracing import Tracing  # noqa: PLC0415  # its packages are an extra

    return Tracing()


@asynccontextmanager
async def _lifespan(
    app: FastAPI,
    wiring: Wiring,
    registry: CollectorRegistry,
    tracing: "Tracing | None",
    open_database: OpenDatabase,
) -> AsyncIterator[dict[str, Callable[[], None]]]:
    async with AsyncExitStack() as stack:
        if tracing:
            stack.push_async_callback(tracing.close)
        url = DatabaseUrl.parse(wiring.database_url)
        pool = await stack.enter_async_context(open_pool(url, size=wiring.pool_size))
        reads = await stack.enter_async_context(open_reads(url, gauge_of(registry, "read").set))
        writes = await stack.enter_async_context(open_writes(url, gauge_of(registry, "write").set))
        keys = IssuerKeys(wiring.jwks_url, httpx2.AsyncHTTPTransport(uds=wiring.auth_socket))
        await stack.enter_async_context(keys.kept_fresh())

        def limiter(name: str, quota: int, window_seconds: int) -> RateLimiter | None:
            policy = Policy(name, quota, window_seconds)
            return stack.enter_context(open_rate_limiter(policy, wiring.runtime_folder)) if quota else None

        announcer = Announcer(pool)
        await stack.enter_async_context(announcer.telling())
        listener = Listener(DatabaseUrl.parse(wiring.listen_url) if wiring.listen_url else None, announcer)
        await stack.enter_async_context(listener.listening())
        database = (tracing.database if tracing else open_database)(
            MeasuredPool(pool, registry),
            reads=reads,
            writes=writes,
            on_commit=announcer.note,
        )
        app.state.backend = Backend(
            database=database,
            api_keys=await stack.enter_async_context(ApiKeys(database).open()),
            app_names=AppNames(),
            tokens=TokenVerifier(
                keys,
                issuer=wiring.issuer,
                audience=wiring.audience,
                rests_on="sid" if wiring.auth_socket else None,
            ),
            agent_tokens=TokenVerifier(
                keys,
                issuer=wiring.issuer,
                audience=wiring.mcp_audience,
                rests_on="client_id" if wiring.auth_socket else None,
            ),
            secret=wiring.secret,
            limits=wiring.limits,
            rate_limiter=limiter("person", wiring.limits.rate_limit, window_seconds=60),
            agent_writes=limiter("agent", wiring.limits.agent_writes, window_seconds=3_600),
            streams=EventStreams(database, listener),
            has_auth_server=wiring.auth_socket is not None,
            transfers=asyncio.Semaphore(max(1, wiring.pool_size // 2)),
            indexing=Background(partial(index_todos, database)),
        )
        await stack.enter_async_context(app.state.backend.indexing.working())
        await stack.enter_async_context(app.state.mcp.session_manager.run())
        # For the server, which knows first when it has to stop.
        yield {"end_streams": app.state.backend.streams.end_all}


def _add_pages(app: FastAPI) -> None:
    folder = files("todo") / "web"
    if not (folder / "index.html").is_file():
        raise CannotStart("The pages are not built: run `make build` (or install the package anew).")

    app.router.routes.extend(page_routes(Path(str(folder))))


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        schemas = document["components"]["schemas"]
        schemas["Problem"] = ProblemRead.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schemas["Problem"].pop("$defs")
        for operations in document["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    headers = response.setdefault("headers", {})
                    headers["X-Request-ID"] = {"schema": {"type": "string"}}
                    if "security" in operation and status not in _SAID_TO_ANYBODY:
                        headers |= _RATE_LIMIT_HEADERS
        app.openapi_schema = document
    return app.openapi_schema
