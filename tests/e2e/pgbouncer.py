"""PgBouncer in transaction mode, set up as docs/scaling.md says, in front of a PostgreSQL."""

import configparser
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.debian import find_or_install
from tests.e2e.postgres import ACCOUNT
from tests.e2e.product import free_port
from tests.e2e.waiting import wait_until
from todo.database.embedded import binaries
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

_PAGE = Path(__file__).parents[2] / "docs/scaling.md"


class PgBouncer:
    """A running PgBouncer, and what it has counted."""

    def __init__(self, program: Path, folder: Path, server: DatabaseUrl, database: str, size: int) -> None:
        self._program = program
        self._folder = folder
        self._server = server
        self._database = database
        self._size = size
        self._port = free_port()
        self._password = "of the pooler's own role"  # noqa: S105  # on a server that lives for a test
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What an operator sets as the workers' address: no user, so that the made logins are used."""
        return f"{self.unnamed_url}?pgbouncer=true"

    @property
    def unnamed_url(self) -> str:
        """The same from an operator who forgets to say that it is a pooler."""
        return f"postgresql://127.0.0.1:{self._port}/{self._database}"

    async def prepare_server(self) -> None:
        """Let it look up passwords, as the documentation tells the operator."""
        statements = _block("sql").replace("'…'", "'" + self._password.replace("'", "''") + "'")
        owned = DatabaseUrl(
            self._server.user, self._server.password, self._server.location, self._database, ()
        )
        async with connect(owned) as superuser:
            await superuser.execute(statements)

    def start(self) -> None:
        """Start it and wait until it takes connections in."""
        self._write("userlist.txt", f'"pgbouncer" "{self._password}"\n')
        self._write("pgbouncer.ini", self._configuration())
        with (self._folder / "pgbouncer.log").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  # Debian's program
                [self._program, self._folder / "pgbouncer.ini"],
                stdout=output,
                stderr=output,
                user=ACCOUNT,
                group=ACCOUNT,
                extra_groups=[] if ACCOUNT else None,
                cwd="/",
            )
        wait_until(lambda: "process up" in self.said(), "PgBouncer is up")

    def stop(self) -> None:
        """End it at once; whoever is connected is cut off."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def said(self) -> str:
        return (self._folder / "pgbouncer.log").read_text(encoding="utf-8")

    def transactions(self) -> int:
        """How many transactions of the database it has passed on."""
        shown = subprocess.run(  # noqa: S603  # PostgreSQL's own program
            [
                binaries() / "psql",
                *("--host=127.0.0.1", f"--port={self._port}", "--username=pgbouncer", "--dbname=pgbouncer"),
                *("--no-align", "--tuples-only", "--command=SHOW STATS_TOTALS"),
            ],
            env={**os.environ, "PGPASSWORD": self._password},
            capture_output=True,
            text=True,
            check=True,
        )
        rows = [line.split("|") for line in shown.stdout.splitlines()]
        return next(int(row[1]) for row in rows if row[0] == self._database)

    def _configuration(self) -> str:
        told = configparser.ConfigParser()
        told.read_string(_block("ini"))
        server = urlsplit(f"//{self._server.location}")
        told["databases"] = {self._database: f"host={server.hostname} port={server.port}"}
        told["pgbouncer"].update(
            listen_port=str(self._port),
            auth_file=str(self._folder / "userlist.txt"),
            default_pool_size=str(self._size),
            unix_socket_dir="",
            admin_users="pgbouncer",
        )
        return "\n".join(
            f"[{section}]\n" + "\n".join(f"{key} = {value}" for key, value in told[section].items())
            for section in told.sections()
        )

    def _write(self, name: str, text: str) -> None:
        file = self._folder / name
        file.write_text(text, encoding="utf-8")
        if ACCOUNT:
            shutil.chown(file, ACCOUNT, ACCOUNT)


@asynccontextmanager
async def pgbouncer(
    folder: Path, server: DatabaseUrl, database: str, *, size: int
) -> AsyncIterator[PgBouncer]:
    """Run it in front of a database, with so many connections to the server for each role."""
    program = find_or_install("pgbouncer", "pgbouncer")
    if ACCOUNT:
        shutil.chown(folder, ACCOUNT, ACCOUNT)
    pooler = PgBouncer(program, folder, server, database, size)
    await pooler.prepare_server()
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.stop()


def _block(language: str) -> str:
    """Give the block of this language that the page shows about PgBouncer."""
    _, _, section = _PAGE.read_text(encoding="utf-8").partition("## PgBouncer")
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, f"{_PAGE} shows no {language}"
    return found[1]
