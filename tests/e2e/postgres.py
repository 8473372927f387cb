"""PostgreSQL as somebody else runs it: reached over TCP with a password."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO
from uuid import uuid4

from tests.e2e.product import free_port
from tests.e2e.waiting import wait_until
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

PASSWORD = "the superuser's password"  # noqa: S105  # of a server that lives for a test
OWNER_PASSWORD = "p@ss/word? of:an owner%20"  # noqa: S105  # every sign that has a meaning in an address
# PostgreSQL does not run as root; the product has made this account by the time it runs as root itself.
_ACCOUNT = "pgserver" if os.geteuid() == 0 else None


@contextmanager
def foreign_postgres(programs: Path, folder: Path) -> Iterator[DatabaseUrl]:
    """Run the PostgreSQL of this folder of programs on a new cluster, and give its superuser's address."""
    cluster, port = folder / "cluster", free_port()
    password_file = folder / "password"
    password_file.write_text(PASSWORD, encoding="utf-8")
    for path in (folder, password_file):
        if _ACCOUNT:
            shutil.chown(path, _ACCOUNT, _ACCOUNT)
    log = folder / "server.log"
    initdb: list[str | Path] = [
        *(programs / "initdb", "--pgdata", cluster, "--username=postgres", "--encoding=UTF8", "--no-sync"),
        *("--locale=C", "--auth=scram-sha-256", f"--pwfile={password_file}"),
    ]
    with log.open("wb") as output:
        with _as_owner(initdb, output) as making:
            assert making.wait() == 0, log.read_text(encoding="utf-8")
        serving: list[str | Path] = [
            *(programs / "postgres", "-D", cluster, "-c", f"port={port}", "-c", "fsync=on"),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        ]
        with _as_owner(serving, output) as server:
            try:
                wait_until(lambda: "ready to accept" in log.read_text(encoding="utf-8"), "PostgreSQL is up")
                yield DatabaseUrl("postgres", PASSWORD, f"127.0.0.1:{port}", "postgres", ())
            finally:
                server.terminate()


@asynccontextmanager
async def database_of_its_own(server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """Give a new database and the role that owns it: no superuser, as hosted PostgreSQL has it."""
    name = f"managed_{uuid4().hex[:8]}"
    async with connect(server) as superuser:
        await superuser.execute(f"CREATE ROLE {name} LOGIN CREATEROLE CREATEDB PASSWORD '{OWNER_PASSWORD}'")
        await superuser.execute(f"CREATE DATABASE {name} OWNER {name}")
    yield DatabaseUrl(name, OWNER_PASSWORD, server.location, name, ())


def _as_owner(command: Sequence[str | Path], output: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603  # our own folders
        command,
        stdout=output,
        stderr=output,
        user=_ACCOUNT,
        group=_ACCOUNT,
        extra_groups=[] if _ACCOUNT else None,
        cwd="/",
    )
