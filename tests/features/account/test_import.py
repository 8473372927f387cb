"""A file taken back: what is taken over, what is not, and what is said about it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import uuid_utils.compat as uuids

from tests.factories import LIMITS, Person, Service
from todo.database.engine import connect
from todo.transport.transfer import UPLOAD_LIMIT_BYTES

TYPES = {"json": "application/json", "csv": "text/csv"}
LATER = (datetime.now(UTC) + timedelta(days=3)).isoformat()
GOOD = {"title": "Water the plants"}


def file_of(*todos: Any, **members: Any) -> bytes:
    return json.dumps({"format": "todo-evolution", "version": 1, "todos": todos, **members}).encode()


async def send(person: Person, content: Any, kind: str = "json", **headers: str) -> httpx2.Response:
    headers = {"content-type": TYPES[kind], **headers}
    return await person.post("/api/account/import", content=content, headers=headers)


async def imported(person: Person, content: Any, kind: str = "json") -> dict[str, Any]:
    response = await send(person, content, kind)
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


async def exported(person: Person, kind: str = "json") -> bytes:
    return (await person.get("/api/account/export", params={"format": kind})).content


async def todos_of(person: Person) -> list[dict[str, Any]]:
    todos: list[dict[str, Any]] = json.loads(await exported(person))["todos"]
    return todos


async def live(person: Person) -> list[dict[str, Any]]:
    """Make todos of every kind, and give them as an export does."""
    made = [await person.make_todo(title) for title in ("Plain", 'A, "b"', "1\r\n2", " x ", "ü🌿", "'", "=1")]
    await person.make_todo("Empty description", description="")
    await person.patch(f"/api/todos/{made[0]['id']}/complete")
    await person.patch(f"/api/todos/{made[1]['id']}", json={"description": '"x"\n,y', "priority": "urgent"})
    await person.delete(f"/api/todos/{made[2]['id']}")
    return await todos_of(person)


@pytest.mark.parametrize("kind", TYPES)
async def test_what_one_person_exported_another_has_after_importing_it(
    alice: Person, bob: Person, kind: str
) -> None:
    todos = await live(alice)

    report = await imported(bob, await exported(alice, kind), kind)

    assert report == {
        "added": len(todos),
        "already_there": 0,
        "refused": 0,
        "losses": [],
        "losses_total": 0,
        "not_imported": [],
    }
    assert await todos_of(bob) == todos


@pytest.mark.parametrize("kind", TYPES)
async def test_importing_a_file_again_adds_nothing(alice: Person, bob: Person, kind: str) -> None:
    todos = await live(alice)
    file = await exported(alice, kind)
    await imported(bob, file, kind)
    await bob.patch(f"/api/todos/{todos[0]['id']}", json={"title": "Mine now"})
    mine = await todos_of(bob)

    report = await imported(bob, file, kind)

    assert (report["added"], report["already_there"], report["refused"]) == (0, len(todos), 0)
    assert await todos_of(bob) == mine


async def test_a_file_without_ids_adds_each_todo_once_however_often_it_is_imported(alice: Person) -> None:
    file = file_of(GOOD, GOOD, {**GOOD, "id": 7}, {**GOOD, "id": "abc", "created_at": "2020-02-29T12:00:00Z"})

    first, second = await imported(alice, file), await imported(alice, file)

    assert (first["added"], second["added"], second["already_there"]) == (4, 0, 4)
    assert [(loss["position"], loss["id"], loss["field"]) for loss in first["losses"]] == [
        (3, "7", "id"),
        (4, "abc", "id"),
    ]
    assert [todo["id"][14] for todo in await todos_of(alice)] == ["7"] * 4


async def test_what_a_hand_made_file_leaves_out_is_filled_in(alice: Person) -> None:
    await imported(alice, file_of(GOOD))

    todo = (await todos_of(alice))[0]

    assert (todo["title"], todo["priority"], todo["version"]) == ("Water the plants", "medium", 1)
    assert todo["created_at"] == todo["updated_at"] > "2026"
    assert (todo["description"], todo["completed_at"], todo["deleted_at"]) == (None, None, None)


async def test_whoever_follows_changes_sees_what_was_imported(alice: Person) -> None:
    token = (await alice.get("/api/todos/changes")).json()["next"]
    created_at = "2020-02-29T12:00:00.000000Z"
    before = datetime.now(UTC)
    await imported(alice, file_of(*({"title": f"No. {n}", "created_at": created_at} for n in range(1200))))

    feed = []
    has_more = True
    while has_more:
        answer = (await alice.get("/api/todos/changes", params={"since": token, "limit": 1000})).json()
        feed += answer["changes"]
        token, has_more = answer["next"], answer["has_more"]

    assert {change["kind"] for change in feed} == {"created"}
    assert [change["todo"]["title"] for change in feed] == [f"No. {n}" for n in range(1200)]
    assert {change["todo"]["created_at"] for change in feed} == {created_at}
    assert min(datetime.fromisoformat(change["at"]) for change in feed) > before - timedelta(seconds=5)


async def test_an_imported_todo_can_be_changed_like_any_other(alice: Person) -> None:
    file = file_of({**GOOD, "version": 1_000_000_000, "created_at": "1970-01-01T00:00:00Z"})
    await imported(alice, file)
    todo = (await todos_of(alice))[0]

    changed = await alice.patch(f"/api/todos/{todo['id']}/complete", headers={"if-match": '"1000000000"'})

    assert (changed.status_code, changed.json()["version"]) == (200, 1_000_000_001)


BROKEN: list[tuple[Any, str | None]] = [
    ({}, "title"),
    ({"title": None}, "title"),
    ({"title": 7}, "title"),
    ({"title": ""}, "title"),
    ({"title": " \n"}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": "a\0b"}, "title"),
    ({"title": "half a pair \ud800"}, "title"),
    ({**GOOD, "description": "x" * 1001}, "description"),
    ({**GOOD, "description": "\0"}, "description"),
    ({**GOOD, "description": ["x"]}, "description"),
    ({**GOOD, "priority": "highest"}, "priority"),
    ({**GOOD, "priority": None}, "priority"),
    ({**GOOD, "created_at": "2026-11-24T08:15:30"}, "created_at"),
    ({**GOOD, "created_at": "2026-11-24"}, "created_at"),
    ({**GOOD, "created_at": 1_700_000_000}, "created_at"),
    ({**GOOD, "created_at": "1969-12-31T23:59:59Z"}, "created_at"),
    ({**GOOD, "created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
    ({**GOOD, "updated_at": LATER}, "updated_at"),
    ({**GOOD, "completed_at": "9999-12-31T23:59:59-14:00"}, "completed_at"),
    ({**GOOD, "deleted_at": "yesterday: noon"}, "deleted_at"),
    ({**GOOD, "version": 0}, "version"),
    ({**GOOD, "version": 2_147_483_647}, "version"),
    ({**GOOD, "version": "many"}, "version"),
    ({**GOOD, "version": 1e400}, "version"),
    ({**GOOD, "is_completed": True}, None),
    ("Water the plants", None),
    (None, None),
    ([GOOD], None),
]


@pytest.mark.parametrize(("broken", "field"), BROKEN, ids=lambda value: json.dumps(value)[:60])
async def test_a_todo_that_breaks_a_rule_is_refused_and_the_rest_is_taken(
    alice: Person, broken: Any, field: str | None
) -> None:
    file = file_of(GOOD, broken, GOOD).replace(b"Infinity", b"1e400")

    report = await imported(alice, file)

    assert (report["added"], report["refused"], report["losses_total"]) == (2, 1, 1)
    loss = report["losses"][0]
    assert (loss["position"], loss["field"], loss["is_refused"]) == (2, field, True)
    assert loss["detail"]


@pytest.mark.parametrize("between", [0, 600])
async def test_of_two_todos_with_one_id_the_first_counts(alice: Person, between: int) -> None:
    todo_id = str(uuids.uuid7())
    others = [{"title": f"No. {n}"} for n in range(between)]
    file = file_of({"title": "First", "id": todo_id}, *others, {"title": "Second", "id": todo_id})

    report = await imported(alice, file)

    assert (report["added"], report["refused"]) == (between + 1, 1)
    assert (report["losses"][0]["id"], report["losses"][0]["field"]) == (todo_id, "id")
    assert (await alice.get(f"/api/todos/{todo_id}")).json()["title"] == "First"


async def test_what_is_no_part_of_a_todo_is_reported_once_and_left_out(alice: Person) -> None:
    rows = [{**GOOD, "due": "tomorrow", "labels": [{"deep": [n]}]} for n in range(700)]

    report = await imported(alice, file_of(*rows, account={"name": "Alice"}, lists=[1], note=None))

    assert (report["added"], report["refused"]) == (700, 0)
    assert [(loss["position"], loss["field"]) for loss in report["losses"]] == [(1, "due"), (1, "labels")]
    assert report["not_imported"] == ["account", "lists"]


async def test_losses_are_all_counted_and_the_first_hundred_listed(alice: Person) -> None:
    report = await imported(alice, file_of(*({"title": "", "x" * 500: n} for n in range(150))))

    assert (report["refused"], report["losses_total"], len(report["losses"])) == (150, 150, 100)


async def test_words_of_a_file_that_cannot_be_written_are_reported_all_the_same(alice: Person) -> None:
    strange = {**GOOD, "id": "\ud800" * 300, "\udfff": 1}

    report = await imported(alice, file_of(strange, **{"\ud800": 1}))

    assert (report["added"], report["losses_total"], report["not_imported"]) == (1, 2, ["?"])


NO_EXPORT = [
    b"",
    b" ",
    b"{",
    b"null",
    b"[]",
    b'"todos"',
    b"title\r\nMilk\r\n",
    b'{"todos": []}',
    b'{"format": "todo-evolution", "version": 1}',
    file_of(GOOD, format="other"),
    file_of(GOOD, version=2),
    file_of(GOOD, version=True),
    file_of(GOOD, todos={}),
    file_of(GOOD, todos=None),
    file_of(GOOD)[:-1],
    file_of(GOOD)[:-2],
    file_of(GOOD) + b"{}",
    file_of(GOOD).replace(b"W", b"\xff"),
    file_of(GOOD).replace(b"todo-evolution", b"todo\n"),
    file_of(GOOD, more=7).replace(b"7", b"7" * 5000),
    file_of(GOOD, more=7).replace(b"7", b"NaN"),
    file_of(GOOD, more=7).replace(b"7", b"[" * 100_000),
    file_of(GOOD, more=7).replace(b"7", b'"' + b"x" * 3_000_000),
    file_of(GOOD, more=7).replace(b', "more"', b' "more"'),
    file_of(GOOD).replace(b'"todos":', b'"todos"'),
    file_of(GOOD).replace(b'"todos":', b"todos:"),
]


@pytest.mark.parametrize("file", NO_EXPORT, ids=lambda value: repr(value[:40]))
async def test_what_is_no_export_is_refused_whole(alice: Person, file: bytes) -> None:
    response = await send(alice, file)

    assert (response.status_code, response.json()["error_code"]) == (422, "unreadable_file")
    assert await todos_of(alice) == []


async def test_a_file_that_breaks_off_after_a_thousand_todos_changes_nothing(alice: Person) -> None:
    file = file_of(*({"title": f"No. {n}"} for n in range(1200)))

    response = await send(alice, file[:-20])

    assert response.status_code == 422
    assert await todos_of(alice) == []


async def test_the_order_and_the_spacing_of_a_file_do_not_matter(alice: Person) -> None:
    todos = [{**GOOD, "version": 123_456 + n, "description": 'ü🌿 \\ " \u2028'} for n in range(300)]
    document = {"todos": todos, "version": 1, "note": None, "format": "todo-evolution"}

    report = await imported(alice, b"\xef\xbb\xbf" + json.dumps(document, indent=3).encode())

    assert (report["added"], report["losses"]) == (300, [])
    assert {todo["version"] for todo in await todos_of(alice)} == set(range(123_456, 123_756))


async def test_a_spreadsheet_may_leave_columns_out_and_add_some(alice: Person) -> None:
    file = b'\xef\xbb\xbfpriority,title,due,description\nhigh,Milk,today,\nlow,Bread,,""\n\n'

    report = await imported(alice, file, "csv")

    assert (report["added"], report["refused"]) == (2, 0)
    assert [(loss["position"], loss["field"]) for loss in report["losses"]] == [(1, "due")]
    todos = sorted(await todos_of(alice), key=lambda todo: str(todo["title"]))
    assert [(todo["title"], todo["priority"], todo["description"]) for todo in todos] == [
        ("Bread", "low", ""),
        ("Milk", "high", None),
    ]


@pytest.mark.parametrize(
    "line", [b"a", b"a,b,c", b'a"b"c,low', b'"a"b,low', b",low", b"x,highest", b"\x00,low"]
)
async def test_a_broken_line_of_csv_is_refused_and_the_rest_is_taken(alice: Person, line: bytes) -> None:
    report = await imported(alice, b"title,priority\r\nMilk,\r\n" + line + b"\r\nBread,low\r\n", "csv")

    assert (report["added"], report["refused"], report["losses"][0]["position"]) == (2, 1, 2)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\n",
        b"Milk\n",
        b"Milk,medium\nBread,low\n",
        b"title,title\na,b\n",
        b"title;priority\nMilk;low\n",
        b'title\n"Milk\n',
        b"title\n\xff\n",
        b"title\n" + b"x" * 2_000_000,
        b'title\n"' + b"x\n" * 1_000_000,
        file_of(GOOD),
    ],
    ids=lambda value: repr(value[:30]),
)
async def test_csv_that_cannot_be_read_is_refused_whole(alice: Person, file: bytes) -> None:
    response = await send(alice, file, "csv")

    assert (response.status_code, response.json()["error_code"]) == (422, "unreadable_file")
    assert await todos_of(alice) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-type", "text/plain"),
        ("content-type", "multipart/form-data; boundary=x"),
        ("content-type", "text/csv; charset=latin-1"),
        ("content-type", ""),
        ("content-encoding", "gzip"),
    ],
)
async def test_another_kind_of_body_is_refused_and_the_right_ones_are_named(
    alice: Person, name: str, value: str
) -> None:
    response = await send(alice, file_of(GOOD), **{name: value})

    assert (response.status_code, response.json()["error_code"]) == (415, "unsupported_media_type")
    assert response.headers["accept"] == "application/json, text/csv"


async def test_what_is_beyond_the_quota_is_left_out_and_what_is_there_already_does_not_count(
    service: Service, alice: Person
) -> None:
    async with service.another(limits=replace(LIMITS, quota=600)) as strict:
        person = strict.person(alice.subject)
        todos = [{"title": f"No. {n}", "id": str(uuids.uuid7())} for n in range(1100)]
        await imported(person, file_of(*todos[:200]))

        report = await imported(person, file_of(*todos))
        refused = await person.post("/api/todos", json=GOOD)

        assert (report["added"], report["already_there"], report["refused"]) == (400, 200, 500)
        assert "as many todos as a person may have" in report["losses"][0]["detail"]
        assert {todo["title"] for todo in await todos_of(person)} == {f"No. {n}" for n in range(600)}
    assert (refused.status_code, refused.json()["error_code"]) == (403, "todo_quota_exceeded")
    async with connect(service.owner_url) as owner:
        counted = await owner.fetchval("SELECT todo_count FROM users WHERE id = $1", UUID(alice.subject))
    assert counted == 600


async def test_the_same_key_and_file_get_the_same_report(alice: Person) -> None:
    file = file_of(GOOD)
    answers = [await send(alice, file, **{"idempotency-key": "key-1"}) for _ in range(2)]

    other = await send(alice, file + b" ", **{"idempotency-key": "key-1"})

    assert [answer.json()["added"] for answer in answers] == [1, 1]
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["error_code"]) == (422, "idempotency_key_reused")


async def test_two_imports_at_once_add_each_todo_once(alice: Person, bob: Person) -> None:
    await imported(bob, file_of(*({"title": f"No. {n}"} for n in range(800))))
    file = await exported(bob)

    reports = await asyncio.gather(*(imported(alice, file) for _ in range(3)))

    assert sum(report["added"] for report in reports) == 800
    assert len(await todos_of(alice)) == 800


async def test_a_file_far_beyond_the_usual_limit_is_taken(alice: Person) -> None:
    rows = [{"title": "x", "description": "ü" * 1000} for _ in range(1000)]

    report = await imported(alice, file_of(*rows))

    assert report["added"] == 1000


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_file_beyond_its_own_limit_is_refused(alice: Person, is_announced: bool) -> None:  # noqa: FBT001  # a case
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(UPLOAD_LIMIT_BYTES // 1_048_576 + 1):
            yield b" " * 1_048_576

    headers = {"content-length": str(UPLOAD_LIMIT_BYTES + 1)} if is_announced else {}

    response = await send(alice, pieces(), **headers)

    assert (response.status_code, response.json()["error_code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/api/account/import?format=csv", "/api/account/import?x"])
async def test_an_import_takes_no_parameters(alice: Person, path: str) -> None:
    response = await alice.post(path, content=file_of(GOOD), headers={"content-type": "application/json"})

    assert (response.status_code, response.json()["errors"][0]["location"]) == (422, "query")
