"""The drill: everything is lost but the backup and the secret, and people notice nothing."""

import json
import re
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from tests.e2e.people import People
from tests.e2e.product import Product, copied_product
from tests.factories import Person
from todo.database.census import take_census
from todo.database.embedded import EmbeddedPostgres
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, login_of
from todo.serve.backup_file import Manifest

Members = dict[str, bytes]


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Product]:
    """A product on an empty folder, not started yet."""
    with closing(Product(tmp_path / "second")) as product:
        yield product


def done(finished: "subprocess.CompletedProcess[str]") -> str:
    """Check that a command did its work, and give its answer."""
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def assert_refused(finished: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """Check that a command ended with one sentence in which these words occur."""
    sentences = [line for line in finished.stderr.splitlines() if line.startswith("todo: ")]
    assert "Traceback" not in finished.stderr
    assert (finished.returncode, len(sentences)) == (1, 1), finished.stderr
    assert [word for word in words if word not in sentences[0]] == [], finished.stderr


def members_of(file: Path) -> Members:
    with tarfile.open(file) as tar:
        return {name: content.read() for name in tar.getnames() if (content := tar.extractfile(name))}


def write_members(file: Path, members: Members) -> None:
    with tarfile.open(file, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))


async def do_everything_once(person: Person) -> str:
    """Leave todos, live and in the trash, an answer that is kept, and changes; give the token before them."""
    token: str = (await person.get("/api/todos/changes")).json()["next"]
    todo = await person.make_todo("Water the plants", description="İ\t\\.\n")
    await person.patch(f"/api/todos/{todo['id']}/complete")
    await person.post("/api/todos", json={"title": "Once"}, headers={"idempotency-key": "once"})
    await person.delete(f"/api/todos/{(await person.make_todo('Trash'))['id']}")
    return token


async def seen_by(person: Person, token: str) -> tuple[object, object, object]:
    """What a person sees: the list, the trash, and what changed since."""
    listed = (await person.get("/api/todos")).json()
    trash = (await person.get("/api/todos", params={"status": "deleted"})).json()
    changes = (await person.get("/api/todos/changes", params={"since": token})).json()["changes"]
    return listed, trash, changes


async def test_after_a_restore_people_go_on_as_if_nothing_had_been(
    own_product: Product, second: Product, people: People
) -> None:
    own_product.start()
    account = await people.newcomer(own_product)
    person = await account.person()
    token = await do_everything_once(person)
    before = await seen_by(person, token)

    answer = done(own_product.run("backup", "drill.tar"))
    backup = own_product.folder / "drill.tar"
    assert "drill.tar: " in answer
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    secret = own_product.secret
    own_product.stop()
    done(second.run("restore", str(backup), TODO_SECRET=secret))

    manifest = Manifest.model_validate_json(members_of(backup)["manifest.json"])
    await check_restored(second, manifest, secret.encode())
    second.start(TODO_SECRET=secret)
    same = await people.visitor(second, account)
    same.session = account.session
    assert await seen_by(await same.person(), token) == before
    again = await people.again(second, account)
    assert (await (await again.person()).make_todo())["version"] == 1


async def check_restored(product: Product, manifest: Manifest, secret: bytes) -> None:
    """Check that a stopped database is as it was backed up, and that row-level security binds the workers."""
    with EmbeddedPostgres(product.data_dir / "postgres").running() as url:
        async with connect(url) as owner, owner.transaction():
            assert await take_census(owner) == manifest.tables
        async with connect(login_of(APP_GROUP, url, secret)) as app:
            assert await app.fetchval("SELECT count(*) FROM todos") == 0
    assert manifest.tables["public.todos"].rows == 3


async def test_a_stopped_installation_moves_to_another_folder_with_its_secret(
    own_product: Product, second: Product, people: People
) -> None:
    own_product.start()
    account = await people.newcomer(own_product)
    todo = await (await account.person()).make_todo()
    own_product.stop()

    done(own_product.run("backup", "moved.tar", "--with-secret"))
    done(second.run("restore", str(own_product.folder / "moved.tar")))

    assert second.secret == own_product.secret
    second.start()
    person = await (await people.again(second, account)).person()
    assert (await person.get(f"/api/todos/{todo['id']}")).json() == todo


async def test_with_a_new_secret_people_sign_in_with_their_old_passwords(
    own_product: Product, second: Product, people: People
) -> None:
    own_product.start()
    account = await people.newcomer(own_product)
    await (await account.person()).make_todo("Still there")
    own_product.stop()
    done(own_product.run("backup", "drill.tar"))

    done(second.run("restore", str(own_product.folder / "drill.tar"), "--new-secret"))

    second.start()
    person = await (await people.again(second, account)).person()
    assert [todo["title"] for todo in (await person.get("/api/todos")).json()["items"]] == ["Still there"]


async def test_a_backup_of_an_older_version_is_brought_to_this_one(
    own_product: Product, second: Product, people: People
) -> None:
    own_product.start()
    account = await people.newcomer(own_product)
    todo = await (await account.person()).make_todo()
    own_product.stop()
    done(own_product.run("migrate", "--down-to", "0002"))
    done(own_product.run("backup", "old.tar", "--with-secret"))

    done(second.run("restore", str(own_product.folder / "old.tar")))

    second.start()
    person = await (await people.again(second, account)).person()
    assert (await person.patch(f"/api/todos/{todo['id']}/complete")).json()["version"] == 2


@pytest.fixture(scope="module")
def backup(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a product that nobody has used yet, with its secret."""
    folder = tmp_path_factory.mktemp("backup")
    with copied_product(installation, folder) as product:
        done(product.run("backup", "whole.tar", "--with-secret"))
    return folder / "whole.tar"


def test_a_spoiled_backup_is_refused_and_nothing_is_restored(
    backup: Path, second: Product, tmp_path: Path
) -> None:
    spoiled = tmp_path / "spoiled.tar"
    members = members_of(backup)
    manifest = json.loads(members["manifest.json"])
    manifest["tables"]["public.alembic_version"]["digest"] = "1"
    write_members(spoiled, members | {"manifest.json": json.dumps(manifest).encode()})

    assert_refused(second.run("restore", str(spoiled)), "public.alembic_version", "nothing was restored")

    assert not (second.data_dir / "secret").exists()
    done(second.run("restore", str(backup)))


def test_what_is_no_backup_is_refused(second: Product, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no tar at all" * 1000)

    assert_refused(second.run("restore", str(tmp_path / "notes.txt")), "notes.txt")
    assert_refused(second.run("restore", str(tmp_path / "missing.tar")), "missing.tar")
    assert_refused(second.run("restore", str(tmp_path)), str(tmp_path))


def test_a_backup_without_its_secret_is_refused_before_anything_is_made(
    backup: Path, second: Product, tmp_path: Path
) -> None:
    members = members_of(backup)
    del members["secret"]
    write_members(tmp_path / "without.tar", members)

    assert_refused(second.run("restore", str(tmp_path / "without.tar")), "TODO_SECRET", "--new-secret")
    other = "another secret, and long enough for one"
    assert_refused(second.run("restore", str(backup), TODO_SECRET=other), "TODO_SECRET", "--new-secret")

    assert not second.data_dir.exists()


def test_nothing_is_restored_over_what_is_there(product: Product, own_product: Product) -> None:
    done(own_product.run("backup", "own.tar", "--with-secret"))
    own = str(own_product.folder / "own.tar")

    assert_refused(product.run("restore", own, "--new-secret"), "is using", "TODO_DATA_DIR")
    assert_refused(own_product.run("restore", own), "an empty database only", "TODO_DATA_DIR")


def test_a_backup_takes_nobodys_place_and_leaves_no_half_file(own_product: Product, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    done(own_product.run("backup", str(folder / "first.tar")))

    assert_refused(own_product.run("backup", str(folder / "first.tar")), "first.tar", "already")
    away = {"TODO_DATABASE_URL": "postgresql://owner:hidden-word@127.0.0.1:1/todo"}
    failed = own_product.run("backup", str(folder / "second.tar"), **away)
    assert_refused(failed, "127.0.0.1:1")
    assert_refused(own_product.run("backup", str(folder / "nowhere/third.tar")), "nowhere/third.tar")

    assert "hidden-word" not in failed.stderr
    assert [file.name for file in folder.iterdir()] == ["first.tar"]


def test_without_a_name_a_backup_is_called_by_its_time(own_product: Product, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    finished = own_product.run("backup", str(folder))

    [file] = folder.iterdir()
    assert re.fullmatch(r"todo-backup-\d{8}T\d{6}Z\.tar", file.name)
    assert done(finished).startswith(f"{file}: ")
    assert "KEEP THE SECRET TOO" in finished.stderr


def test_where_nothing_was_ever_kept_there_is_nothing_to_back_up(second: Product) -> None:
    assert_refused(second.run("backup"), "no secret", "TODO_DATA_DIR")

    assert not second.data_dir.exists()
