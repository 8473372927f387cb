"""Puts a backup into an empty database: all of it, proven equal, or nothing."""

import asyncio
from pathlib import Path

import asyncpg

from todo.database.census import SCHEMAS, Census, take_census
from todo.database.data_dir import DataDir, new_secret, open_data_dir
from todo.database.dump import load_dump
from todo.database.engine import Connection
from todo.database.roles import create_auth_schema, create_groups
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, is_known_revision
from todo.problems import CannotStart
from todo.serve.backup_file import Backup, Manifest, fingerprint, open_backup
from todo.serve.first_screen import say
from todo.serve.product import database, known_secret, prepare_database
from todo.settings import Settings

_TABLES = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text = ANY ($1)"


def restore(settings: Settings, file: Path, *, is_secret_lost: bool) -> Manifest:
    """Put a backup into the empty database of these settings, ready to be served, and say what it was.

    Raises `CannotStart` when that cannot be done as a whole; then nothing is.
    """
    with open_backup(file) as backup:
        refuse_newer(backup.manifest)
        secret = secret_for(backup, known_secret(settings), may_differ=is_secret_lost)
        with open_data_dir(settings.data_dir) as data_dir, database(settings, data_dir) as url:
            asyncio.run(load(url, secret, backup, None if settings.secret else data_dir))
            asyncio.run(prepare_database(settings, url, secret))
        return backup.manifest


def refuse_newer(manifest: Manifest) -> None:
    """Raise `CannotStart` when this version cannot go on from the schema of the backup."""
    if not is_known_revision(manifest.revision):
        raise CannotStart(
            f"The backup was made by a newer version ({manifest.version}, revision {manifest.revision}): "
            "install that one."
        )


def secret_for(backup: Backup, known: bytes | None, *, may_differ: bool) -> bytes:
    """Give the secret to go on with: the one known here, or else the one in the backup.

    Raises `CannotStart` when it is not the one the backup was made with, unless it may differ.
    """
    if may_differ:
        return known or new_secret()
    secret = known or backup.secret
    if secret is None or not _fits(secret, backup.manifest):
        seen = "not here" if secret is None else "another than the one here"
        raise CannotStart(
            f"The secret this backup was made with is {seen}: set TODO_SECRET to it, or give --new-secret, "
            "which makes new keys for sign-in and ends the sessions of browsers."
        )
    return secret


async def load(url: DatabaseUrl, secret: bytes, backup: Backup, keep_secret_in: DataDir | None) -> None:
    """Load the backup, compare what came of it with what was backed up, and only then commit.

    Raises `CannotStart` when the database is not empty, or anything differs.
    """
    manifest, url = backup.manifest, url.without_pooler()
    try:
        async with alone(url) as gate:
            await _refuse_filled(gate, url)
            say(f"Restoring {manifest.rows} rows of {len(manifest.tables)} tables …")
            await create_groups(url)
            await create_auth_schema(gate)
            await load_dump(gate, backup.dump, manifest.tables)
            say("Comparing …")
            _refuse_differences(await take_census(gate), manifest.tables)
            if not _fits(secret, manifest) and "auth.jwks" in manifest.tables:
                # Encrypted with the old secret; the auth server makes others.
                await gate.execute("DELETE FROM auth.jwks")
            if keep_secret_in:
                keep_secret_in.keep_secret(secret)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotStart(f"The backup cannot be loaded, nothing was restored: {error}.") from error


async def _refuse_filled(connection: Connection, url: DatabaseUrl) -> None:
    if count := await connection.fetchval(_TABLES, SCHEMAS):
        raise CannotStart(
            f"There are {count} tables in {url.without_password} already, and a backup goes into an empty "
            "database only: set TODO_DATA_DIR to a new folder, or TODO_DATABASE_URL to an empty database."
        )


def _refuse_differences(found: Census, wanted: Census) -> None:
    names = sorted(found.keys() | wanted.keys())
    if differing := [name for name in names if found.get(name) != wanted.get(name)]:
        raise CannotStart(
            f"{', '.join(differing)} would not be as backed up, so nothing was restored: take another backup."
        )


def _fits(secret: bytes, manifest: Manifest) -> bool:
    return fingerprint(secret) == manifest.secret_fingerprint
