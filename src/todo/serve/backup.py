"""Takes a backup, of a service that is running or not, and proves that it is whole."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import asyncpg

from todo.database.census import take_census
from todo.database.dump import refuse_missing_rows, write_dump
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.migrations.runner import revision_on
from todo.problems import CannotStart
from todo.serve.backup_file import Backup, Manifest, fingerprint, open_backup, sha256_of, write_backup
from todo.serve.first_screen import say


async def back_up(url: DatabaseUrl, secret: bytes, file: Path, *, with_secret: bool) -> Manifest:
    """Write everything in the database to a file that nobody sees until it is whole.

    Raises `CannotStart` when the file is there already, or something is missing in the backup.
    """
    with _draft_of(file) as draft:
        dump = draft.with_name("dump")
        manifest = await _dump(url.without_pooler(), secret, dump)
        write_backup(draft, Backup(manifest, dump, secret if with_secret else None))
        dump.unlink()
        say("Checking the backup …")
        with open_backup(draft, scratch=draft.parent) as written:
            await refuse_missing_rows(written.dump, manifest.tables)
    return manifest


async def _dump(url: DatabaseUrl, secret: bytes, file: Path) -> Manifest:
    try:
        async with connect(url) as connection, connection.transaction(isolation="repeatable_read"):
            # While the dump is written, this transaction only waits.
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            revision = await revision_on(connection)
            if revision is None:
                raise CannotStart(f"There is nothing to back up in {url.without_password}.")
            made_at = await connection.fetchval("SELECT now()")
            say("Counting rows …")
            tables = await take_census(connection)
            say(f"Dumping {sum(table.rows for table in tables.values())} rows of {len(tables)} tables …")
            await write_dump(url, connection, file)
            return Manifest(
                version=version("todo-evolution"),
                made_at=made_at,
                server=await connection.fetchval("SHOW server_version"),
                revision=revision,
                secret_fingerprint=fingerprint(secret),
                dump_sha256=sha256_of(file),
                tables=tables,
            )
    except asyncpg.InsufficientPrivilegeError as error:
        raise CannotStart(
            f"The role {url.user!r} does not see everything ({error}): "
            "set TODO_DATABASE_URL to the address of the role that owns the tables."
        ) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotStart(f"The backup was broken off: {error}.") from error


@contextmanager
def _draft_of(file: Path) -> Iterator[Path]:
    """Give a file to write to, beside its place, and put it there at the end if nothing failed."""
    if file.exists():
        raise CannotStart(f"{file} is there already: name another file.")
    try:
        with tempfile.TemporaryDirectory(prefix=".todo-backup-", dir=file.parent) as folder:
            draft = Path(folder) / "backup.tar"
            yield draft
            draft.rename(file)
    except OSError as error:
        raise CannotStart(f"Cannot write to {file} ({error.strerror}).") from error
