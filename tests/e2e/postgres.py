"""PostgreSQL as somebody else runs it: reached over TCP with a password."""

import ipaddress
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

from cryptography import x509

from tests.e2e.certificates import self_signed
from tests.e2e.product import free_port
from tests.e2e.waiting import wait_until
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

PASSWORD = "the superuser's password"  # noqa: S105  # of a server that lives for a test
OWNER_PASSWORD = "p@ss/word? of:an owner%20"  # noqa: S105  # every sign that has a meaning in an address
# PostgreSQL does not run as root; the product has made this account by the time it runs as root itself.
ACCOUNT = "pgserver" if os.geteuid() == 0 else None


class ForeignServer:
    """A server on a cluster of its own, which can go away and come back."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._log = folder / "server.log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> DatabaseUrl:
        """Where its superuser connects."""
        return DatabaseUrl("postgres", PASSWORD, f"127.0.0.1:{self._port}", "postgres", ())

    def create(self) -> None:
        """Make the cluster."""
        password_file = self._folder / "password"
        password_file.write_text(PASSWORD, encoding="utf-8")
        for path in (self._folder, password_file):
            if ACCOUNT:
                shutil.chown(path, ACCOUNT, ACCOUNT)
        making = self._run(
            *("initdb", "--pgdata", self._cluster, "--username=postgres", "--encoding=UTF8", "--no-sync"),
            *("--locale=C", "--auth=scram-sha-256", f"--pwfile={password_file}"),
        )
        assert making.wait() == 0, self._said()

    def start(self) -> None:
        """Bring it up and wait until it is ready."""
        said_before = len(self._said())
        self._process = self._run(
            *("postgres", "-D", self._cluster, "-c", f"port={self._port}", "-c", "fsync=on"),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        )
        wait_until(lambda: "ready to accept" in self._said()[said_before:], "PostgreSQL is up")

    def stop(self) -> None:
        """Take it down without waiting for those who are connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()

    @property
    def _cluster(self) -> Path:
        return self._folder / "cluster"

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def _run(self, program: str, *arguments: str | Path) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603  # our own folders
                [self._programs / program, *arguments],
                stdout=output,
                stderr=output,
                user=ACCOUNT,
                group=ACCOUNT,
                extra_groups=[] if ACCOUNT else None,
                cwd="/",
            )


@contextmanager
def foreign_server(programs: Path, folder: Path) -> Iterator[ForeignServer]:
    """Run the PostgreSQL of this folder of programs on a new cluster until the block ends."""
    server = ForeignServer(programs, folder)
    server.create()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def foreign_postgres(programs: Path, folder: Path) -> Iterator[DatabaseUrl]:
    """Run it, and give its superuser's address."""
    with foreign_server(programs, folder) as server:
        yield server.url


@asynccontextmanager
async def database_of_its_own(server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """Give a new database and the role that owns it: no superuser, as hosted PostgreSQL has it."""
    name = f"managed_{uuid4().hex[:8]}"
    async with connect(server) as superuser:
        await superuser.execute(f"CREATE ROLE {name} LOGIN CREATEROLE CREATEDB PASSWORD '{OWNER_PASSWORD}'")
        await superuser.execute(f"CREATE DATABASE {name} OWNER {name}")
    yield DatabaseUrl(name, OWNER_PASSWORD, server.location, name, ())


async def over_tls_alone(server: DatabaseUrl, cluster: Path) -> DatabaseUrl:
    """Have a server let nobody in without TLS, and give its address with how to be sure of it."""
    certificate = certify(cluster)
    (cluster / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    async with connect(server) as superuser:
        await superuser.execute("ALTER SYSTEM SET ssl = on")
        await superuser.execute("SELECT pg_reload_conf()")
    tls = (("sslmode", "verify-full"), ("sslrootcert", str(certificate)))
    return DatabaseUrl(server.user, server.password, server.location, server.database, tls)


def certify(cluster: Path) -> Path:
    """Give a server a key and a certificate that it signed itself."""
    certificate, key = self_signed(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    for file, content in (("server.key", key), ("server.crt", certificate)):
        (cluster / file).touch(mode=0o600)
        (cluster / file).write_bytes(content)
        if ACCOUNT:
            shutil.chown(cluster / file, ACCOUNT, ACCOUNT)
    return cluster / "server.crt"
