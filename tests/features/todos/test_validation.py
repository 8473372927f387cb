"""Bad input gets a clear problem: nothing is stored, nothing breaks."""

from typing import Any

import pytest

from tests.factories import Person

LONG_TITLE = "x" * 201
OWN_ID = "019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": " \t\n"}, "/title"),
        ({"title": "\u2003\u00a0"}, "/title"),
        ({"title": LONG_TITLE}, "/title"),
        ({"title": None}, "/title"),
        ({"title": 7}, "/title"),
        ({"title": ["x"]}, "/title"),
        ({"title": "a\0b"}, "/title"),
        ({"title": "x", "description": "y" * 1001}, "/description"),
        ({"title": "x", "description": "a\0b"}, "/description"),
        ({"title": "x", "priority": "highest"}, "/priority"),
        ({"title": "x", "priority": None}, "/priority"),
        ({"title": "x", "user_id": "7"}, "/user_id"),
        ({"title": "x", "id": "019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21"}, "/id"),
        ({"title": "x", "is_completed": True}, "/is_completed"),
        ({"title": "x", "a/b~c": 1}, "/a~1b~0c"),
        ([], ""),
        ("title", ""),
        (None, ""),
    ],
)
async def test_a_new_todo_that_breaks_a_rule_is_refused(alice: Person, body: Any, pointer: str) -> None:
    response = await alice.post("/api/todos", json=body)

    problem = response.json()
    assert (response.status_code, problem["error_code"]) == (422, "validation_failed")
    assert [(error["location"], error["pointer"]) for error in problem["errors"]] == [("body", pointer)]
    assert (await alice.get("/api/todos")).json()["total"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        ("PUT", f"/{OWN_ID}", {"title": "x", "user_id": OWN_ID}, "/user_id"),
        ("PUT", f"/{OWN_ID}", {"title": "x", "id": OWN_ID}, "/id"),
        ("POST", "/batch", {"operations": [{"op": "delete", "id": OWN_ID}], "user_id": OWN_ID}, "/user_id"),
        (
            "POST",
            "/batch",
            {"operations": [{"op": "create", "todo": {"title": "x", "user_id": OWN_ID}}]},
            "/operations/0/todo/user_id",
        ),
        (
            "POST",
            "/batch",
            {"operations": [{"op": "create", "todo": {"title": "x"}, "id": OWN_ID}]},
            "/operations/0/id",
        ),
        (
            "POST",
            "/batch",
            {"operations": [{"op": "update", "id": OWN_ID, "changes": {"user_id": OWN_ID}}]},
            "/operations/0/changes/user_id",
        ),
    ],
)
async def test_whose_a_todo_is_is_said_by_nothing_but_the_token(
    alice: Person, method: str, path: str, body: dict[str, Any], pointer: str
) -> None:
    response = await alice.request(method, f"/api/todos{path}", json=body)

    problem = response.json()
    assert (response.status_code, problem["error_code"]) == (422, "validation_failed")
    assert [(error["location"], error["pointer"]) for error in problem["errors"]] == [("body", pointer)]
    assert (await alice.get("/api/todos")).json()["total"] == 0


@pytest.mark.parametrize("version", [b"0", b"-1", b"1.5", b'"1"', b"true", b"NaN", b"1e400", b"9" * 5_000])
async def test_a_version_that_is_none_is_refused(alice: Person, version: bytes) -> None:
    todo = await alice.make_todo()
    operation = b'{"op": "complete", "id": "%s", "version": %s}' % (todo["id"].encode(), version)

    response = await alice.post(
        "/api/todos/batch",
        content=b'{"operations": [%s]}' % operation,
        headers={"content-type": "application/json"},
    )

    assert (response.status_code, response.json()["error_code"]) == (422, "validation_failed")
    assert (await alice.get(f"/api/todos/{todo['id']}")).json() == todo


@pytest.mark.parametrize("version", [2, 2**31, 2**63, 10**300])
async def test_a_version_of_any_size_is_another_version(alice: Person, version: int) -> None:
    todo = await alice.make_todo()
    operation = {"op": "complete", "id": todo["id"], "version": version}

    response = await alice.post("/api/todos/batch", json={"operations": [operation]})

    assert (response.status_code, response.json()["error_code"]) == (412, "todo_changed")


async def test_a_title_of_ten_megabytes_is_not_even_read(alice: Person) -> None:
    response = await alice.post("/api/todos", json={"title": "x" * 10_000_000})

    assert (response.status_code, response.json()["error_code"]) == (413, "body_too_large")
    assert (await alice.get("/api/todos")).json()["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"title": None},
        {"title": ""},
        {"priority": None},
        {"is_completed": None},
        {"is_completed": "yes"},
        {"is_completed": 1},
        {"version": 3},
        {"deleted_at": None},
        {"completed_at": "2026-01-01T00:00:00Z"},
        {"user_id": "7"},
    ],
)
async def test_an_update_that_breaks_a_rule_is_refused(alice: Person, body: dict[str, Any]) -> None:
    todo = await alice.make_todo()

    response = await alice.patch(f"/api/todos/{todo['id']}", json=body)

    assert (response.status_code, response.json()["error_code"]) == (422, "validation_failed")
    assert (await alice.get(f"/api/todos/{todo['id']}")).json() == todo


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"",
        b"\xff\xfe",
        b"\x00",
        b'{"title": "\\ud800"}',
        b'{"title": NaN}',
        b'{"title": 1e400}',
        b'{"title": "x", "description": NaN}',
        b'{"title": "x", "description": "\\udfff"}',
        b'{"title": "x", "\\ud800": 1}',
        b'{"title": "x", "priority": "\\ud800"}',
        b'{"title": "x"} {"title": "y"}',
        b'{"title": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(alice: Person, raw: bytes) -> None:
    headers = {"content-type": "application/json"}

    response = await alice.post("/api/todos", content=raw, headers=headers)

    assert (response.status_code, response.json()["error_code"]) == (422, "validation_failed")


@pytest.mark.parametrize(
    "query",
    [
        "status=open",
        "priority=highest",
        "sort=user_id",
        "sort=--title",
        "limit=0",
        "limit=-1",
        "limit=101",
        "limit=1000000000000000000",
        "limit=10000000000000000000",
        "limit=x",
        "offset=-1",
        "offset=10000000000000000000",
        "q=%00",
        f"q={'x' * 201}",
        f"cursor={'x' * 2049}",
        "unknown=1",
        "user_id=7",
        "offset=0&cursor=AAAA",
    ],
)
async def test_a_query_that_breaks_a_rule_is_refused(alice: Person, query: str) -> None:
    response = await alice.get(f"/api/todos?{query}")

    problem = response.json()
    assert (response.status_code, problem["error_code"]) == (422, "validation_failed")
    assert problem["errors"][0]["location"] == "query"


@pytest.mark.parametrize(
    ("method", "action"),
    [("POST", ""), ("GET", "/{id}"), ("PATCH", "/{id}"), ("PATCH", "/{id}/complete"), ("DELETE", "/{id}")],
)
async def test_a_query_where_none_is_taken_is_refused(alice: Person, method: str, action: str) -> None:
    todo = await alice.make_todo()
    path = "/api/todos" + action.format(id=todo["id"])

    response = await alice.request(method, f"{path}?force=1", json={"title": "x"})

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/force")
    assert (await alice.get("/api/todos")).json()["items"] == [todo]


@pytest.mark.parametrize("todo_id", ["1", "nonsense", "%00", "019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e2"])
async def test_an_id_that_is_no_uuid_is_refused(alice: Person, todo_id: str) -> None:
    response = await alice.get(f"/api/todos/{todo_id}")

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/todo_id")


@pytest.mark.parametrize(
    "title",
    ["x" * 200, "𝄞" * 200, "é", "\u200b", "'; DROP TABLE todos; --", "a\nb", " padded ", "\x1f.", "\ufeffx"],
)
async def test_every_other_text_is_kept_as_it_is(alice: Person, title: str) -> None:
    todo = await alice.make_todo(title, description=title)

    assert (todo["title"], todo["description"]) == (title, title)


async def test_an_answer_to_bad_input_does_not_repeat_it(alice: Person) -> None:
    response = await alice.post("/api/todos", json={"title": {"secret": "canary"}})

    assert response.status_code == 422
    assert "canary" not in response.text
