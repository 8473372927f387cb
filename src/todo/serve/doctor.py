"""Checks what an operator would ask first when something is wrong."""

import shutil
import subprocess
from collections.abc import Iterator

import httpx2

from todo.auth.server import node_program
from todo.database.data_dir import DataDir, open_data_dir
from todo.problems import CannotStart
from todo.serve.database_checks import examine_database
from todo.serve.finding import Finding, look
from todo.serve.first_screen import answer_of, local_address
from todo.serve.parts import require_parts
from todo.serve.product import reachable_database
from todo.serve.workers import listening
from todo.settings import Settings

_LOW_DISK_BYTES = 500_000_000


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at one thing after the other, and last where to look further."""
    yield look("Parts", _parts_are_built)
    yield look("Node", _node_runs)
    yield look("Data folder", lambda: _folder_is_usable(settings))
    yield look("Service", lambda: _answers_or_could(settings))
    if settings.runs_auth_server:
        yield look("Sign-in", lambda: _publishes_keys(settings))
    try:
        with reachable_database(settings) as url:
            yield from examine_database(settings, url)
    except CannotStart as problem:
        yield Finding("Database", "FAIL", str(problem))
    if settings.auth_jwks_url:
        yield look("Issuer", lambda: _issuer_answers(str(settings.auth_jwks_url)))
    yield Finding("Data", "ok", _where_data_is(settings))
    yield Finding("Logs", "ok", _where_logs_are(settings))


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


def _publishes_keys(settings: Settings) -> str:
    address = local_address(settings)
    if answer_of(f"{address}/health/live") is None:
        return "not running"
    # Not by the proxy of the environment: that is for other people's addresses.
    return _issuer_answers(f"{address}/api/auth/jwks", trust_env=False)


def _where_data_is(settings: Settings) -> str:
    secret = "TODO_SECRET" if settings.secret else str(DataDir(settings.data_dir).path / "secret")
    database = "TODO_DATABASE_URL" if settings.database_url else str(DataDir(settings.data_dir).cluster)
    return f"todos in {database}, saved by `todo backup`; the secret in {secret}, to be kept apart from that"


def _where_logs_are(settings: Settings) -> str:
    where = f"standard error of `todo serve`, as {settings.log_format}"
    if settings.database_url:
        return f"{where}; those of PostgreSQL are with its host"
    return f"{where}; those of PostgreSQL in {DataDir(settings.data_dir).cluster / 'server.log'}"


def _issuer_answers(jwks_url: str, *, trust_env: bool = True) -> str:
    try:
        answer = httpx2.get(jwks_url, timeout=5, trust_env=trust_env).raise_for_status()
        kinds = {key.get("crv") for key in answer.json()["keys"]}
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, AttributeError) as error:
        raise CannotStart(
            f"The keys at {jwks_url} cannot be fetched ({error}): tokens cannot be checked; look at the log "
            "of who answers there."
        ) from error
    if "Ed25519" not in kinds:
        raise CannotStart(f"There is no Ed25519 key at {jwks_url}: tokens must be signed with EdDSA.")
    return f"keys at {jwks_url}"
