"""What the product is for, from the first screen to the trash and back."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.people import Account, People
from tests.e2e.product import Product


def test_the_commands_on_the_first_screen_list_the_first_todos_as_they_stand(product: Product) -> None:
    bash = shutil.which("bash")
    shown = re.search(r"Your first todo:\n(.+?)\nCtrl-C", product.output, re.DOTALL)
    assert bash
    assert shown

    finished = subprocess.run(  # noqa: S603  # what the person is told to paste
        [bash, "-euo", "pipefail", "-c", shown[1]], capture_output=True, text=True, timeout=60, check=False
    )

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip().splitlines()[-1].startswith("{")
    assert not {"status", "error_code"} & json.loads(finished.stdout).keys()


def test_a_first_start_on_an_empty_folder_says_where_it_keeps_what(installation: Path) -> None:
    output = next(installation.glob("output-*.txt")).read_text(encoding="utf-8")

    assert f"Creating the database in {installation / 'data'} …" in output
    assert output.index("Starting sign-in …") < output.index("Todo Evolution is ready.")
    assert output.rstrip().endswith("Stopping …")


async def test_a_todo_goes_from_added_to_done_and_open_again(account: Account) -> None:
    person = await account.person()
    todo = await person.make_todo("Buy milk", priority="high")
    address = f"/api/todos/{todo['id']}"

    changed = await person.patch(address, json={"title": "Buy oat milk"}, headers={"if-match": '"1"'})
    done = await person.patch(f"{address}/complete", headers={"if-match": changed.headers["etag"]})
    reopened = await person.patch(f"{address}/reopen", headers={"if-match": done.headers["etag"]})

    assert [answer.status_code for answer in (changed, done, reopened)] == [200, 200, 200]
    assert [done.json()["is_completed"], reopened.json()["is_completed"]] == [True, False]
    seen = await person.get(address)
    assert seen.json() == reopened.json()
    assert seen.headers["etag"] == '"4"'


async def test_a_change_based_on_an_old_version_is_refused_and_changes_nothing(account: Account) -> None:
    person = await account.person()
    todo = await person.make_todo()
    address = f"/api/todos/{todo['id']}"
    await person.patch(address, json={"title": "By the phone"})

    late = await person.patch(address, json={"title": "By the laptop"}, headers={"if-match": '"1"'})

    assert (late.status_code, late.json()["error_code"]) == (412, "todo_changed")
    assert (await person.get(address)).json()["title"] == "By the phone"


async def test_a_deleted_todo_leaves_the_list_and_comes_back_when_restored(account: Account) -> None:
    person = await account.person()
    todo = await person.make_todo()
    address = f"/api/todos/{todo['id']}"

    deleted = await person.delete(address, headers={"if-match": '"1"'})
    without = await person.get("/api/todos")
    restored = await person.patch(f"{address}/restore")

    assert (deleted.status_code, without.json()["total"], restored.status_code) == (204, 0, 200)
    listed = await person.get("/api/todos")
    assert [item["id"] for item in listed.json()["items"]] == [todo["id"]]


async def test_an_unchanged_todo_is_not_sent_again(account: Account) -> None:
    person = await account.person()
    todo = await person.make_todo()

    answer = await person.get(f"/api/todos/{todo['id']}", headers={"if-none-match": '"1"'})

    assert (answer.status_code, answer.content) == (304, b"")


async def test_nobody_sees_or_changes_the_todo_of_another(
    account: Account, people: People, product: Product
) -> None:
    todo = await (await account.person()).make_todo("Private")
    other = await (await people.newcomer(product)).person()

    changed = await other.patch(f"/api/todos/{todo['id']}", json={"title": "Mine"})

    assert (changed.status_code, changed.json()["error_code"]) == (403, "todo_not_owned")
    assert (await other.get("/api/todos")).json()["total"] == 0


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html"),
        ("/docs", "text/html"),
        ("/static/style.css", "text/css"),
        ("/openapi.json", "application/json"),
        ("/health/live", "application/json"),
        ("/health/ready", "application/json"),
    ],
)
async def test_what_is_public_answers_without_signing_in(
    people: People, product: Product, path: str, media_type: str
) -> None:
    client = await people.client(product)

    answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_every_file_the_pages_ask_for_is_there(people: People, product: Product) -> None:
    client = await people.client(product)
    pages = [(await client.get(path)).text for path in ("/", "/docs")]
    wanted = {link for page in pages for link in re.findall(r'(?:src|href)="(/[^"#]*)"', page)}

    answers = [await client.get(link) for link in sorted(wanted)]

    assert {link.split("/")[1] for link in wanted} >= {"assets", "static"}
    assert [answer.status_code for answer in answers] == [200] * len(wanted)


@pytest.mark.parametrize("headers", [{"host": "elsewhere.example"}, {"origin": "https://elsewhere.example"}])
async def test_another_host_or_origin_is_answered_the_same_and_given_no_more_rights(
    account: Account, headers: dict[str, str]
) -> None:
    person = await account.person()

    answer = await person.get("/api/todos", headers=headers)

    assert (answer.status_code, answer.json()["total"]) == (200, 0)
    assert not [name for name in answer.headers if name.startswith("access-control-allow")]
