"""The drill: everything is lost but the backup and the secret, and people notice nothing."""

import json
import re
import stat
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest

from tests.e2e.people import Account, People
from tests.e2e.product import Product, copied_product
from tests.factories import Person
from todo.database.census import take_census
from todo.database.embedded import EmbeddedPostgres
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, login_of
from todo.serve.backup_file import Manifest

Members = dict[str, bytes]


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


@dataclass(frozen=True)
class Used:
    """A stopped installation with somebody in it, and the backups that were made of it."""

    product: Product
    account: Account
    token: str
    before: tuple[object, object, object]
    answer: str

    @property
    def listed(self) -> object:
        return self.before[0]

    @property
    def while_serving(self) -> Path:
        return self.product.folder / "drill.tar"

    @property
    def with_secret(self) -> Path:
        return self.product.folder / "moved.tar"


@pytest.fixture(scope="module")
async def used(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Used]:
    """Use a product, back it up while it serves, and once more with its secret when it has stopped."""
    async with AsyncExitStack() as stack:
        people = People(stack)
        product = stack.enter_context(copied_product(installation, tmp_path_factory.mktemp("used")))
        product.start()
        account = await people.newcomer(product)
        person = await account.person()
        token = await do_everything_once(person)
        before = await seen_by(person, token)
        answer = done(product.run("backup", "drill.tar"))
        product.stop()
        done(product.run("backup", "moved.tar", "--with-secret"))
        yield Used(product, account, token, before, answer)


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Product]:
    """A product on an empty folder, not started yet."""
    with closing(Product(tmp_path / "second")) as product:
        yield product


async def test_after_a_restore_people_go_on_as_if_nothing_had_been(
    used: Used, second: Product, people: People
) -> None:
    secret = used.product.secret

    done(second.run("restore", str(used.while_serving), TODO_SECRET=secret))

    manifest = Manifest.model_validate_json(members_of(used.while_serving)["manifest.json"])
    await check_restored(second, manifest, secret.encode())
    second.start(TODO_SECRET=secret)
    same = await people.visitor(second, used.account)
    same.session = used.account.session
    assert await seen_by(await same.person(), used.token) == used.before
    again = await people.again(second, used.account)
    assert (await (await again.person()).make_todo())["version"] == 1


def test_a_backup_says_what_it_wrote_and_is_for_its_owner_alone(used: Used) -> None:
    assert "drill.tar: " in used.answer
    assert stat.S_IMODE(used.while_serving.stat().st_mode) == 0o600


async def check_restored(product: Product, manifest: Manifest, secret: bytes) -> None:
    """Check that a stopped database is as it was backed up, and that row-level security binds the workers."""
    with EmbeddedPostgres(product.data_dir / "postgres").running() as url:
        async with connect(url) as owner, owner.transaction():
            assert await take_census(owner) == manifest.tables
        async with connect(login_of(APP_GROUP, url, secret)) as app:
            assert await app.fetchval("SELECT count(*) FROM todos") == 0
    assert manifest.tables["public.todos"].rows == 3


async def test_a_stopped_installation_moves_to_another_folder_with_its_secret(
    used: Used, second: Product, people: People
) -> None:
    done(second.run("restore", str(used.with_secret)))

    assert second.secret == used.product.secret
    second.start()
    person = await (await people.again(second, used.account)).person()
    assert await seen_by(person, used.token) == used.before


async def test_with_a_new_secret_people_sign_in_with_their_old_passwords(
    used: Used, second: Product, people: People
) -> None:
    done(second.run("restore", str(used.while_serving), "--new-secret"))

    second.start()
    assert second.secret != used.product.secret
    person = await (await people.again(second, used.account)).person()
    assert (await person.get("/api/todos")).json() == used.listed


async def test_a_backup_of_an_older_version_is_brought_to_this_one(
    used: Used, second: Product, people: People, tmp_path: Path
) -> None:
    with copied_product(used.product.folder, tmp_path / "older") as older:
        done(older.run("migrate", "--down-to", "0002"))
        done(older.run("backup", "old.tar", "--with-secret"))

    done(second.run("restore", str(older.folder / "old.tar")))

    second.start()
    person = await (await people.again(second, used.account)).person()
    [todo] = [todo for todo in (await person.get("/api/todos")).json()["items"] if not todo["is_completed"]]
    assert (await person.patch(f"/api/todos/{todo['id']}/complete")).json()["version"] == 2


def test_a_spoiled_backup_is_refused_and_nothing_is_restored(
    used: Used, second: Product, tmp_path: Path
) -> None:
    spoiled = tmp_path / "spoiled.tar"
    members = members_of(used.with_secret)
    manifest = json.loads(members["manifest.json"])
    manifest["tables"]["public.alembic_version"]["digest"] = "1"
    write_members(spoiled, members | {"manifest.json": json.dumps(manifest).encode()})

    assert_refused(second.run("restore", str(spoiled)), "public.alembic_version", "nothing was restored")

    assert not (second.data_dir / "secret").exists()
    done(second.run("restore", str(used.with_secret)))


def test_what_is_no_backup_is_refused_in_one_sentence(second: Product, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no tar at all" * 1000)

    assert_refused(second.run("restore", str(tmp_path / "notes.txt")), "notes.txt")


def test_a_backup_without_its_secret_is_refused_before_anything_is_made(
    used: Used, second: Product, tmp_path: Path
) -> None:
    members = members_of(used.with_secret)
    del members["secret"]
    write_members(tmp_path / "without.tar", members)

    assert_refused(second.run("restore", str(tmp_path / "without.tar")), "TODO_SECRET", "--new-secret")
    other = "another secret, and long enough for one"
    assert_refused(
        second.run("restore", str(used.with_secret), TODO_SECRET=other), "TODO_SECRET", "--new-secret"
    )

    assert not second.data_dir.exists()


def test_nothing_is_restored_over_what_is_there(product: Product, used: Used) -> None:
    file = str(used.with_secret)

    assert_refused(product.run("restore", file, "--new-secret"), "is using", "TODO_DATA_DIR")
    assert_refused(used.product.run("restore", file), "an empty database only", "TODO_DATA_DIR")


def test_a_backup_takes_nobodys_place_and_leaves_no_half_file(product: Product, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "first.tar").write_text("somebody's own")

    assert_refused(product.run("backup", str(folder / "first.tar")), "first.tar", "already")
    away = {"TODO_DATABASE_URL": "postgresql://owner:hidden-word@127.0.0.1:1/todo"}
    failed = product.run("backup", str(folder / "second.tar"), **away)
    assert_refused(failed, "127.0.0.1:1")
    assert_refused(product.run("backup", str(folder / "nowhere/third.tar")), "nowhere/third.tar")

    assert "hidden-word" not in failed.stderr
    assert [(file.name, file.read_text()) for file in folder.iterdir()] == [("first.tar", "somebody's own")]


def test_without_a_name_a_backup_is_called_by_its_time(product: Product, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    finished = product.run("backup", str(folder))

    [file] = folder.iterdir()
    assert re.fullmatch(r"todo-backup-\d{8}T\d{6}Z\.tar", file.name)
    assert done(finished).startswith(f"{file}: ")
    assert "KEEP THE SECRET TOO" in finished.stderr


def test_where_nothing_was_ever_kept_there_is_nothing_to_back_up(second: Product) -> None:
    assert_refused(second.run("backup"), "no secret", "TODO_DATA_DIR")

    assert not second.data_dir.exists()
