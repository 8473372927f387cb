"""Checks what an operator would ask first when something is wrong."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator

import httpx2

from todo.auth.server import node_program
from todo.database.data_dir import DataDir, open_data_dir
from todo.database.engine import connect
from todo.database.roles import refuse_unbound_role, refuse_unfit_server
from todo.database.url import DatabaseUrl
from todo.migrations.runner import head_revision, refuse_other_schema
from todo.problems import CannotStart
from todo.serve.first_screen import answer_of, local_address
from todo.serve.parts import require_parts
from todo.serve.product import app_url, reachable_database, secret_of
from todo.serve.workers import listening
from todo.settings import Settings

_LOW_DISK_BYTES = 500_000_000


def examine(settings: Settings) -> Iterator[tuple[str, str | None, str]]:
    """Give one finding after the other: what was looked at, what was seen, or what is wrong with it."""
    yield _look("Parts", _parts_are_built)
    yield _look("Node", _node_runs)
    yield _look("Data folder", lambda: _folder_is_usable(settings))
    yield _look("Service", lambda: _answers_or_could(settings))
    try:
        with reachable_database(settings) as url:
            yield _look("Database", lambda: asyncio.run(_database_is_sound(url)))
            yield _look("Schema", lambda: asyncio.run(_schema_is_current(url)))
            yield _look("Isolation", lambda: asyncio.run(_role_is_bound(settings, url)))
    except CannotStart as problem:
        yield "Database", None, str(problem)
    if settings.auth_jwks_url:
        yield _look("Issuer", lambda: _issuer_answers(str(settings.auth_jwks_url)))


def _look(subject: str, check: Callable[[], str]) -> tuple[str, str | None, str]:
    try:
        return subject, check(), ""
    except CannotStart as problem:
        return subject, None, str(problem)


def _parts_are_built() -> str:
    require_parts()
    return "auth server and pages are built"


def _node_runs() -> str:
    try:
        finished = subprocess.run(  # noqa: S603  # our own program
            [node_program(), "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotStart(f"Node does not run here ({error}): install the package anew.") from error
    return finished.stdout.strip()


def _folder_is_usable(settings: Settings) -> str:
    if not DataDir(settings.data_dir).is_in_use():
        with open_data_dir(settings.data_dir):
            pass
    free = shutil.disk_usage(settings.data_dir).free
    if free < _LOW_DISK_BYTES:
        raise CannotStart(f"Only {free // 1_000_000} MB are free in {settings.data_dir}: make room.")
    return f"{settings.data_dir}, {free // 1_000_000_000} GB free"


def _answers_or_could(settings: Settings) -> str:
    address = local_address(settings)
    status = answer_of(f"{address}/health/ready")
    if status is None:
        with listening(settings.host, settings.port):
            return f"not running; {settings.host} port {settings.port} is free"
    if status != httpx2.codes.OK:
        raise CannotStart(f"{address} answers {status} and is not ready: look at its log.")
    return f"ready at {address}"


async def _database_is_sound(url: DatabaseUrl) -> str:
    async with connect(url) as connection:
        await refuse_unfit_server(connection)
        return f"PostgreSQL {await connection.fetchval('SHOW server_version')} at {url.without_password}"


async def _schema_is_current(url: DatabaseUrl) -> str:
    await refuse_other_schema(url)
    return f"revision {head_revision()}"


async def _role_is_bound(settings: Settings, url: DatabaseUrl) -> str:
    secret = secret_of(settings)
    bound = app_url(settings, url, secret)
    await refuse_unbound_role(bound)
    return f"{bound.user} sees one person's rows at a time"


def _issuer_answers(jwks_url: str) -> str:
    try:
        answer = httpx2.get(jwks_url, timeout=5).raise_for_status()
        kinds = {key.get("crv") for key in answer.json()["keys"]}
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, AttributeError) as error:
        raise CannotStart(f"The keys at {jwks_url} cannot be fetched: {error}.") from error
    if "Ed25519" not in kinds:
        raise CannotStart(f"There is no Ed25519 key at {jwks_url}: tokens must be signed with EdDSA.")
    return f"keys at {jwks_url}"
