"""Backups of a PostgreSQL that somebody else runs, and that lets nobody in without TLS."""

import asyncio
import ipaddress
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.database.conftest import OLDEST
from tests.e2e.postgres import OWNER_PASSWORD, database_of_its_own, foreign_postgres
from tests.factories import SECRET
from todo.database.engine import connect
from todo.database.roles import create_logins
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, migrate
from todo.problems import CannotStart
from todo.serve.backup import back_up
from todo.serve.backup_file import open_backup
from todo.serve.restore import load

FILL = "INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 10)"
DUMPING = """
SELECT pid, ssl, wait_event_type = 'Lock' AS is_waiting
  FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE application_name = 'pg_dump'
"""


def let_in_over_tls_alone(folder: Path) -> Path:
    """Give a server a certificate for 127.0.0.1 and its key, to demand TLS with."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server for tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, SHA256())
    )
    key_file = folder / "server.key"
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "server.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
    owner = (folder / "PG_VERSION").stat()
    for file in (key_file, folder / "server.crt"):
        shutil.chown(file, owner.st_uid, owner.st_gid)
    (folder / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    return folder / "server.crt"


pytestmark = pytest.mark.skipif(
    not (OLDEST / "postgres").exists(), reason=f"no PostgreSQL 15 at {OLDEST}: set TEST_POSTGRES_BIN"
)


@pytest.fixture(scope="module")
async def strict_server(
    server: DatabaseUrl, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DatabaseUrl]:
    """The superuser of a server that speaks TLS; the one we embed does not."""
    assert server.user, "its start has made the account that PostgreSQL runs as"
    folder = tmp_path_factory.mktemp("strict")
    with foreign_postgres(OLDEST, folder) as url:
        certificate = let_in_over_tls_alone(folder / "cluster")
        async with connect(url) as superuser:
            await superuser.execute("ALTER SYSTEM SET ssl = on")
            await superuser.execute("SELECT pg_reload_conf()")
        tls = (("sslmode", "verify-full"), ("sslrootcert", str(certificate)))
        yield DatabaseUrl(url.user, url.password, url.location, url.database, tls)


@pytest.fixture
async def hosted(strict_server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """A prepared database there, owned by a role that is no superuser."""
    async with database_of_its_own(strict_server) as url:
        owner = DatabaseUrl(url.user, url.password, url.location, url.database, strict_server.parameters)
        async with alone(owner) as gate:
            await migrate(owner, gate)
            await create_logins(gate, owner, SECRET)
        async with connect(owner) as connection:
            await connection.execute(FILL)
        yield owner


async def test_a_backup_goes_over_tls_and_its_password_over_no_command_line(
    strict_server: DatabaseUrl, hosted: DatabaseUrl, tmp_path: Path
) -> None:
    async with connect(hosted) as owner, connect(strict_server) as superuser:
        # pg_dump waits for it, and the count of rows does not.
        await owner.execute("CREATE TABLE divided (id int) PARTITION BY RANGE (id)")
        await owner.execute("BEGIN; LOCK TABLE divided")
        backing_up = asyncio.create_task(back_up(hosted, SECRET, tmp_path / "hosted.tar", with_secret=False))
        async with asyncio.timeout(20):
            while (dumping := await superuser.fetchrow(DUMPING)) is None or not dumping["is_waiting"]:
                pass
        family = [" ".join(process.cmdline()) for process in psutil.Process().children()]
        await owner.execute("COMMIT")
        manifest = await backing_up

    assert dumping["ssl"] is True
    assert any("pg_dump" in command for command in family)
    assert not any(
        word in command for command in family for word in (OWNER_PASSWORD, quote(OWNER_PASSWORD, ""))
    )
    assert manifest.tables["public.users"].rows == 10


async def test_a_backup_is_restored_into_another_hosted_database(hosted: DatabaseUrl, tmp_path: Path) -> None:
    file = tmp_path / "hosted.tar"
    await back_up(hosted, SECRET, file, with_secret=False)
    name = f"{hosted.database}_again"
    async with connect(hosted) as owner:
        await owner.execute(f"CREATE DATABASE {name}")
    again = DatabaseUrl(hosted.user, hosted.password, hosted.location, name, hosted.parameters)

    with open_backup(file) as backup:
        await load(again, SECRET, backup, None)

    async with connect(again) as owner:
        assert await owner.fetchval("SELECT count(*) FROM users") == 10


async def test_a_server_that_cannot_prove_its_name_gets_no_password(
    hosted: DatabaseUrl, tmp_path: Path
) -> None:
    elsewhere = hosted.location.replace("127.0.0.1", "localhost")
    impostor = DatabaseUrl(hosted.user, hosted.password, elsewhere, hosted.database, hosted.parameters)

    with pytest.raises(CannotStart, match="certificate"):
        await back_up(impostor, SECRET, tmp_path / "none.tar", with_secret=False)
