"""Brings the whole product up, keeps it up, and takes it down again."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from todo.auth.server import auth_server
from todo.database.data_dir import DataDir, open_data_dir
from todo.database.embedded import EmbeddedPostgres
from todo.database.engine import connect
from todo.database.pooler import refuse_unnamed_pooler
from todo.database.roles import (
    APP_GROUP,
    AUTH_GROUP,
    create_logins,
    login_of,
    logins_work,
    refuse_unbound_role,
    refuse_unfit_server,
)
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, head_revision, migrate
from todo.problems import CannotStart
from todo.serve.first_screen import announce_when_ready, say
from todo.serve.metrics import restart_counter, use_metrics_folder
from todo.serve.parts import require_parts
from todo.serve.stop import StopRequest, StopRequested
from todo.serve.traces import traces_are_wanted
from todo.serve.upkeep import Upkeep, hourly_upkeep
from todo.serve.workers import allow_many_connections, listening, loading_early, run_workers
from todo.settings import Settings, Wiring


def serve(settings: Settings, stop: StopRequest) -> None:
    """Run everything until asked to stop; then finish the requests in flight and stop every child.

    Raises `CannotStart` with one sentence when a part cannot come up.
    """
    with suppress(StopRequested), ExitStack() as stack:
        stop.honour()
        require_parts()
        allow_many_connections()
        listener = stack.enter_context(listening(settings.host, settings.port))
        runtime_folder = stack.enter_context(_runtime_folder())
        if settings.workers == 1:
            stack.enter_context(loading_early())
        data_dir = stack.enter_context(open_data_dir(settings.data_dir))
        secret = secret_of(settings)
        url = stack.enter_context(database(settings, data_dir))
        stop.honour()
        say("Checking the schema …")
        asyncio.run(prepare_database(settings, url, secret))
        stop.honour()
        wiring = wire(settings, url, secret, runtime_folder)
        if wiring.auth_socket:
            say("Starting sign-in …")
            environment = auth_environment(settings, wiring, url, secret)
            stack.enter_context(auth_server(environment, restart_counter()))
        stop.honour()
        stack.enter_context(hourly_upkeep(upkeep_of(settings, url, secret)))
        say("Starting the API …")
        announce_when_ready(settings, wiring)
        stop.hand_over()
        if not run_workers(settings, wiring, listener):
            raise CannotStart("The API did not start: its log above says why.")
        say("Stopping …")


def secret_of(settings: Settings) -> bytes:
    """Give the operator's secret, or the one kept with the data; made now if there is none."""
    return known_secret(settings) or DataDir(settings.data_dir).secret()


def known_secret(settings: Settings) -> bytes | None:
    """Give the operator's secret, or the one kept with the data, if there is any."""
    if settings.secret:
        return settings.secret.get_secret_value().encode()
    file = DataDir(settings.data_dir).secret_file
    return file.read_bytes() if file.exists() else None


@contextmanager
def reachable_database(settings: Settings) -> Iterator[DatabaseUrl]:
    """Give a command the database: the one that is being served from, or one brought up for the while."""
    server = EmbeddedPostgres(DataDir(settings.data_dir).cluster)
    if settings.database_url:
        yield _named_address(settings.database_url).without_pooler()
        return
    if server.is_running():
        yield server.url
        return
    with open_data_dir(settings.data_dir) as data_dir, database(settings, data_dir) as url:
        yield url


@contextmanager
def database(settings: Settings, data_dir: DataDir) -> Iterator[DatabaseUrl]:
    """Give the database the settings name, past its pooler, or run the embedded one."""
    if settings.database_url:
        yield _named_address(settings.database_url).without_pooler()
        return
    is_new = not data_dir.cluster.exists()
    say(
        f"Creating the database in {data_dir.path} …"
        if is_new
        else f"Starting the database in {data_dir.path} …"
    )
    with EmbeddedPostgres(data_dir.cluster).running() as url:
        yield url


async def prepare_database(settings: Settings, url: DatabaseUrl, secret: bytes) -> None:
    """Bring schema and roles to what this version needs, and refuse a role that could see too much."""
    async with connect(url) as connection:
        await refuse_unfit_server(connection)
    bound = app_url(settings, url, secret)
    needs_logins = settings.runs_auth_server or bound.user == login_of(APP_GROUP, url, secret).user
    async with alone(url) as gate:
        await migrate(url, gate)
        if needs_logins and not await logins_work(url, secret):
            await create_logins(gate, url, secret)
    await refuse_unbound_role(bound)
    await refuse_unnamed_pooler(bound)


def app_url(settings: Settings, url: DatabaseUrl, secret: bytes) -> DatabaseUrl:
    """Give the address the workers log in at: as the bound role."""
    if settings.app_database_url:
        named = _app_address(settings.app_database_url)
        if named.user:
            return named
    return login_of(APP_GROUP, login_address(settings, url), secret)


def login_address(settings: Settings, url: DatabaseUrl) -> DatabaseUrl:
    """Give the address at which the logins made from the secret are used: a pooler's, if there is one."""
    if settings.app_database_url:
        named = _app_address(settings.app_database_url)
        if not named.user:
            return named
    return _named_address(settings.database_url) if settings.database_url else url


def _named_address(setting: SecretStr) -> DatabaseUrl:
    return DatabaseUrl.parse(setting.get_secret_value())


def _app_address(setting: SecretStr) -> DatabaseUrl:
    return DatabaseUrl.parse(setting.get_secret_value(), "TODO_APP_DATABASE_URL")


def wire(settings: Settings, url: DatabaseUrl, secret: bytes, runtime_folder: Path) -> Wiring:
    """Resolve the settings into what a worker needs."""
    origin = settings.public_origin
    bound = app_url(settings, url, secret)
    return Wiring(
        origin=origin,
        database_url=str(bound),
        listen_url=str(bound.direct or url.as_role(bound.user, bound.password)),
        pool_size=settings.pool_size,
        schema_revision=head_revision(),
        secret=secret,
        issuer=settings.auth_issuer or origin,
        audience=settings.auth_audience or f"{origin}/api",
        mcp_audience=settings.auth_mcp_audience or f"{origin}/mcp",
        jwks_url=settings.auth_jwks_url or "http://auth-server/api/auth/jwks",
        auth_socket=str(runtime_folder / "auth.sock") if settings.runs_auth_server else None,
        limits=settings.limits,
        runtime_folder=str(runtime_folder),
        metrics_token=settings.metrics_token.get_secret_value().encode() if settings.metrics_token else None,
        traces=traces_are_wanted(os.environ),
    )


def upkeep_of(settings: Settings, url: DatabaseUrl, secret: bytes) -> Upkeep:
    """Say what is to be kept up, and as whom."""
    return Upkeep(
        owner_url=url,
        app_url=app_url(settings, url, secret),
        auth_url=login_of(AUTH_GROUP, url, secret) if settings.runs_auth_server else None,
        secret=secret,
        limits=settings.limits,
        trash_kept_for=timedelta(days=settings.trash_days) or None,
    )


def auth_environment(settings: Settings, wiring: Wiring, url: DatabaseUrl, secret: bytes) -> dict[str, str]:
    """Give the auth server its configuration."""
    return {
        "TODO_ORIGIN": wiring.origin,
        "TODO_AUTH_AUDIENCE": wiring.audience,
        "TODO_AUTH_SECRET": secret.decode(),
        "TODO_AUTH_DATABASE_URL": str(login_of(AUTH_GROUP, login_address(settings, url), secret)),
        "TODO_AUTH_SOCKET": str(wiring.auth_socket),
        "TODO_APP_ROLE": APP_GROUP,
        "TODO_SIGN_UP": settings.sign_up,
    }


@contextmanager
def _runtime_folder() -> Iterator[Path]:
    # Not in the data folder: the kernel allows a socket's path 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="todo-"))
    use_metrics_folder(folder / "metrics")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
