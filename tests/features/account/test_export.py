"""All of a person's data as one file."""

import asyncio
import csv
import io
import json
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests.factories import Person, Service
from todo.database.engine import connect

TITLES = ["Plain", 'Comma, and "quotes"', "Two\r\nlines", " spaces ", "Ünïcödé 🌿", "=1+1", "'"]


async def export(person: Person, wanted: str = "json") -> httpx2.Response:
    response = await person.get("/api/account/export", params={"format": wanted})
    assert response.status_code == 200, response.text
    return response


async def live(person: Person) -> list[dict[str, Any]]:
    """Make todos of every kind, and give them as they are now, ordered by id."""
    made = [await person.make_todo(title) for title in TITLES]
    await person.make_todo("Empty description", description="")
    await person.patch(f"/api/todos/{made[0]['id']}/complete")
    await person.patch(f"/api/todos/{made[1]['id']}", json={"description": "x\ny", "priority": "urgent"})
    await person.delete(f"/api/todos/{made[2]['id']}")
    kept = (await person.get("/api/todos", params={"limit": 100})).json()["items"]
    trashed = (await person.get("/api/todos", params={"status": "deleted"})).json()["items"]
    return sorted(kept + trashed, key=lambda todo: todo["id"])


async def test_every_todo_is_exported_with_every_field_the_trash_included(alice: Person) -> None:
    todos = await live(alice)

    document = (await export(alice)).json()

    assert document["todos"] == todos
    assert {name: document[name] for name in ("format", "version", "account")} == {
        "format": "todo-evolution",
        "version": 1,
        "account": None,
    }


async def test_each_todo_has_a_line_of_its_own(alice: Person) -> None:
    todos = await live(alice)

    lines = (await export(alice)).text.splitlines()

    assert [json.loads(line.rstrip(",")) for line in lines[1:-1]] == todos


async def test_a_spreadsheet_reads_the_same_todos(alice: Person) -> None:
    todos = await live(alice)

    response = await export(alice, "csv")

    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert list(rows[0]) == list(todos[0])
    assert [row["title"] for row in rows] == [todo["title"] for todo in todos]
    assert [row["is_completed"] for row in rows] == [json.dumps(todo["is_completed"]) for todo in todos]
    assert response.text.count("\r\n") >= len(todos) + 1


@pytest.mark.parametrize(("wanted", "media_type"), [("json", "application/json"), ("csv", "text/csv")])
async def test_the_file_has_a_name_a_type_and_a_length(alice: Person, wanted: str, media_type: str) -> None:
    await alice.make_todo()

    response = await export(alice, wanted)

    assert response.headers["content-type"].split(";")[0] == media_type
    disposition = response.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="todos-20')
    assert disposition.endswith(f'.{wanted}"')
    assert int(response.headers["content-length"]) == len(response.content)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("wanted", ["json", "csv"])
async def test_somebody_without_todos_gets_an_empty_file(alice: Person, wanted: str) -> None:
    response = await export(alice, wanted)

    assert response.text.count("title") == (wanted == "csv")


async def test_nobody_exports_the_todos_of_another(alice: Person, bob: Person) -> None:
    await alice.make_todo()

    assert (await export(bob)).json()["todos"] == []


async def test_many_todos_are_exported_once_each(alice: Person, service: Service) -> None:
    await alice.make_todo()
    async with connect(service.owner_url) as owner:
        await owner.execute(
            "INSERT INTO todos (user_id, id, title, created_at, updated_at, version, change_seq)"
            " SELECT $1, gen_random_uuid(), n, now(), now(), 1, n + 1 FROM generate_series(1, 1500) AS n",
            UUID(alice.subject),
        )

    todos = (await export(alice)).json()["todos"]

    assert len({todo["id"] for todo in todos}) == len(todos) == 1501


async def test_a_todo_added_meanwhile_is_not_half_there(alice: Person) -> None:
    todos = [await alice.make_todo() for _ in range(3)]
    exports = [asyncio.create_task(export(alice)) for _ in range(3)]
    added = [await alice.make_todo() for _ in range(5)]

    known = [todo["id"] for todo in (*todos, *added)]
    for task in exports:
        ids = [todo["id"] for todo in (await task).json()["todos"]]
        assert ids == known[: len(ids)]


@pytest.mark.parametrize("parameter", ["format=xml", "format=", "since=1"])
async def test_another_format_is_refused(alice: Person, parameter: str) -> None:
    response = await alice.get(f"/api/account/export?{parameter}")

    assert (response.status_code, response.json()["error_code"]) == (422, "validation_failed")


async def test_a_database_that_fails_halfway_is_a_refusal_and_not_half_a_file(
    alice: Person, service: Service
) -> None:
    async with connect(service.owner_url) as owner, owner.transaction():
        # The lists of others wait no longer than this test.
        await owner.execute("LOCK TABLE todos IN ACCESS EXCLUSIVE MODE")
        response = await alice.get("/api/account/export")

    assert (response.status_code, response.json()["error_code"]) == (503, "unavailable")
