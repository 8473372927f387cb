"""A backup is whole, or it is none; a restore is equal, or it is none."""

import asyncio
import hashlib
import json
import os
import re
import tarfile
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import TODO
from tests.factories import SECRET, migrated_database, new_database
from todo.database.census import take_census
from todo.database.data_dir import DataDir
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, login_of
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart
from todo.serve.backup import back_up
from todo.serve.backup_file import open_backup
from todo.serve.restore import load, refuse_newer, secret_for

FILL = """
INSERT INTO users (id) SELECT gen_random_uuid() FROM generate_series(1, 100);
INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)
SELECT id, gen_random_uuid(), 'Title ' || n, now(), now(), 1, n FROM users, generate_series(1, 20) AS n;
CREATE TABLE auth.jwks (id uuid PRIMARY KEY, "privateKey" text);
INSERT INTO auth.jwks SELECT gen_random_uuid(), 'encrypted';
ALTER TABLE auth.jwks OWNER TO todo_auth
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
Members = dict[str, bytes]


@pytest.fixture(scope="module")
async def file(server: DatabaseUrl, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    """A backup with its secret."""
    file = tmp_path_factory.mktemp("backup") / "whole.tar"
    async with migrated_database(server) as url:
        async with connect(url) as owner:
            await owner.execute(FILL)
        await back_up(url, SECRET, file, with_secret=True)
        yield file


@pytest.fixture
async def empty(server: DatabaseUrl) -> AsyncIterator[DatabaseUrl]:
    """A database to restore into."""
    async with new_database(server) as url:
        yield url


async def restore(
    file: Path, url: DatabaseUrl, secret: bytes = SECRET, kept_in: DataDir | None = None
) -> None:
    with open_backup(file) as backup:
        await load(url, secret, backup, kept_in)


async def count(url: DatabaseUrl, tables: str = "pg_tables WHERE schemaname IN ('public', 'auth')") -> Any:
    async with connect(url) as owner:
        return await owner.fetchval(f"SELECT count(*) FROM {tables}")


def members_of(file: Path) -> Members:
    with tarfile.open(file) as tar:
        return {name: content.read() for name in tar.getnames() if (content := tar.extractfile(name))}


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def write_members(file: Path, members: Members) -> Path:
    with tarfile.open(file, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return file


def with_manifest(members: Members, **changes: object) -> Members:
    manifest = json.loads(members["manifest.json"]) | changes
    return members | {"manifest.json": json.dumps(manifest).encode()}


def with_table(members: Members, name: str, **changes: object) -> Members:
    tables = json.loads(members["manifest.json"])["tables"]
    return with_manifest(members, tables=tables | {name: tables[name] | changes})


def without_table(members: Members, name: str) -> Members:
    tables = json.loads(members["manifest.json"])["tables"]
    del tables[name]
    return with_manifest(members, tables=tables)


def with_dump(members: Members, dump: bytes) -> Members:
    sealed = with_manifest(members, dump_sha256=hashlib.sha256(dump).hexdigest())
    return sealed | {"database.dump": dump}


async def test_what_is_restored_is_what_was_backed_up(file: Path, empty: DatabaseUrl, tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path / "data")

    await restore(file, empty, kept_in=data_dir)

    with open_backup(file) as backup:
        async with connect(empty) as owner, owner.transaction():
            assert await take_census(owner) == backup.manifest.tables
    assert await count(empty, "todos") == 2000
    assert data_dir.secret() == SECRET


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda members: with_table(members, "public.todos", digest="1"), r"^public\.todos would not be"),
        (lambda members: with_table(members, "public.users", rows=99), r"^public\.users would not be"),
        (lambda members: with_table(members, "public.todos", policies=[]), r"^public\.todos would not be"),
        (lambda members: with_table(members, "public.todos", is_protected=False), "would not be"),
        (
            lambda members: with_table(members, "auth.jwks", columns=["id"]),
            "nothing was restored: extra data",
        ),
        (
            lambda members: without_table(members, "public.todo_changes"),
            r"^public\.todo_changes would not be",
        ),
        (lambda members: with_dump(members, members["database.dump"][:-2000]), "pg_restore failed"),
        (lambda members: with_dump(members, b"PGDMP, but not one"), "pg_restore failed"),
        (lambda members: with_dump(members, b""), "pg_restore failed"),
    ],
)
async def test_a_restore_that_would_not_be_equal_leaves_the_database_empty(
    file: Path, empty: DatabaseUrl, tmp_path: Path, spoil: Callable[[Members], Members], words: str
) -> None:
    spoiled = write_members(tmp_path / "spoiled.tar", spoil(members_of(file)))
    data_dir = DataDir(tmp_path / "data")

    with pytest.raises(CannotStart, match=words):
        await restore(spoiled, empty, kept_in=data_dir)

    assert await count(empty) == 0
    assert not data_dir.path.exists()


async def test_a_restore_that_is_killed_leaves_the_database_empty(
    file: Path, empty: DatabaseUrl, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": str(empty), "DATA_DIR": str(tmp_path / "data"), "SECRET": SECRET.decode()}
    environment = {**os.environ, **{f"TODO_{name}": value for name, value in settings.items()}}
    async with connect(empty) as owner, connect(empty) as observer:
        # By then the tables are there and filled.
        await owner.execute("BEGIN; LOCK TABLE pg_policy")
        restoring = await asyncio.create_subprocess_exec(TODO, "restore", file, env=environment)
        async with asyncio.timeout(30):
            while not await observer.fetchval(WAITING):
                assert restoring.returncode is None
        restoring.kill()
        await restoring.wait()
        await owner.execute("ROLLBACK")

    assert await count(empty) == 0
    await restore(file, empty)
    assert await count(empty, "todos") == 2000


async def test_nothing_is_restored_over_tables(file: Path, server: DatabaseUrl) -> None:
    async with migrated_database(server) as url:
        with pytest.raises(CannotStart, match="an empty database only"):
            await restore(file, url)

        assert await count(url, "users") == 0


async def test_keys_that_nobody_can_read_any_more_are_dropped(file: Path, empty: DatabaseUrl) -> None:
    await restore(file, empty, b"a secret that the keys are not encrypted with")

    assert await count(empty, "auth.jwks") == 0
    assert await count(empty, "todos") == 2000


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda members: members | {"database.dump": members["database.dump"] + b"?"}, "not the one"),
        (lambda members: with_manifest(members, format=2), "no whole backup"),
        (lambda members: members | {"manifest.json": b"{}"}, "no whole backup"),
        (lambda members: members | {"manifest.json": b"\xff"}, "no whole backup"),
        (lambda members: {"database.dump": members["database.dump"]}, "no whole backup"),
        (lambda members: {"manifest.json": members["manifest.json"]}, "no whole backup"),
    ],
)
def test_a_file_that_was_altered_is_refused(
    file: Path, tmp_path: Path, spoil: Callable[[Members], Members], words: str
) -> None:
    spoiled = write_members(tmp_path / "spoiled.tar", spoil(members_of(file)))

    with pytest.raises(CannotStart, match=words), open_backup(spoiled):
        pass


@pytest.mark.parametrize("name", ["notes.txt", "missing.tar", "."])
def test_what_is_no_backup_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("no tar at all" * 1000)

    with pytest.raises(CannotStart, match=re.escape(str(tmp_path / name))), open_backup(tmp_path / name):
        pass


@pytest.mark.parametrize("part", [0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_refused(file: Path, tmp_path: Path, part: float) -> None:
    cut_off = tmp_path / "cut-off.tar"
    whole = file.read_bytes().rstrip(b"\0")
    cut_off.write_bytes(whole[: int(len(whole) * part)])

    with pytest.raises(CannotStart, match=r"cut-off\.tar"), open_backup(cut_off):
        pass


def test_a_backup_of_a_newer_version_is_refused(file: Path, tmp_path: Path) -> None:
    newer = write_members(tmp_path / "newer.tar", with_manifest(members_of(file), revision="9999"))

    with open_backup(newer) as backup, pytest.raises(CannotStart, match=r"newer version \(.*9999"):
        refuse_newer(backup.manifest)


def test_the_secret_has_to_be_the_one_of_the_backup(file: Path) -> None:
    with open_backup(file) as backup:
        assert secret_for(backup, None, may_differ=False) == SECRET
        assert secret_for(backup, SECRET, may_differ=False) == SECRET
        assert secret_for(backup, b"another", may_differ=True) == b"another"
        assert secret_for(backup, None, may_differ=True) != SECRET
        with pytest.raises(CannotStart, match="another than the one here"):
            secret_for(backup, b"another", may_differ=False)


async def test_a_role_that_sees_nothing_makes_no_backup(server: DatabaseUrl, tmp_path: Path) -> None:
    async with migrated_database(server) as url:
        with pytest.raises(CannotStart, match="does not see everything"):
            await back_up(login_of(APP_GROUP, url, SECRET), SECRET, tmp_path / "empty.tar", with_secret=False)

    assert files_in(tmp_path) == []


async def test_an_empty_database_makes_no_backup(empty: DatabaseUrl, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="nothing to back up"):
        await back_up(empty, SECRET, tmp_path / "empty.tar", with_secret=False)

    assert files_in(tmp_path) == []
