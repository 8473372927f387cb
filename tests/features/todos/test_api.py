"""Todos over HTTP: the five jobs, trash and restore."""

from datetime import datetime
from uuid import UUID, uuid4

import pytest

from tests.factories import Person

UUID_VERSION = 7


async def test_a_new_todo_is_answered_whole(alice: Person) -> None:
    response = await alice.post("/api/todos", json={"title": "Water the plants"})

    todo = response.json()
    assert response.status_code == 201
    assert UUID(todo["id"]).version == UUID_VERSION
    assert todo == {
        "id": todo["id"],
        "title": "Water the plants",
        "description": None,
        "priority": "medium",
        "is_completed": False,
        "completed_at": None,
        "created_at": todo["created_at"],
        "updated_at": todo["created_at"],
        "deleted_at": None,
        "version": 1,
    }


async def test_a_new_todo_says_where_it_is_and_which_version(alice: Person) -> None:
    response = await alice.post("/api/todos", json={"title": "Water the plants"})

    assert response.headers["location"] == f"/api/todos/{response.json()['id']}"
    assert response.headers["etag"] == '"1"'


async def test_times_are_utc_with_a_z(alice: Person) -> None:
    todo = await alice.make_todo()

    assert todo["created_at"].endswith("Z")
    assert datetime.fromisoformat(todo["created_at"]).tzinfo is not None


async def test_a_todo_is_viewed_by_its_id(alice: Person) -> None:
    todo = await alice.make_todo(description="The fern twice", priority="urgent")

    response = await alice.get(f"/api/todos/{todo['id']}")

    assert (response.status_code, response.json()) == (200, todo)
    assert response.headers["etag"] == '"1"'


async def test_an_update_changes_the_named_fields_and_the_version(alice: Person) -> None:
    todo = await alice.make_todo(description="The fern twice")

    response = await alice.patch(f"/api/todos/{todo['id']}", json={"title": "Water all", "priority": "low"})

    updated = response.json()
    assert response.status_code == 200
    assert response.headers["etag"] == '"2"'
    assert updated == {
        **todo,
        "title": "Water all",
        "priority": "low",
        "version": 2,
        "updated_at": updated["updated_at"],
    }
    assert updated["updated_at"] > todo["updated_at"]


async def test_null_clears_the_description(alice: Person) -> None:
    todo = await alice.make_todo(description="The fern twice")

    updated = (await alice.patch(f"/api/todos/{todo['id']}", json={"description": None})).json()

    assert updated["description"] is None


@pytest.mark.parametrize("body", [{}, {"title": "Water the plants"}, {"is_completed": False}])
async def test_an_update_that_changes_nothing_keeps_the_version(
    alice: Person, body: dict[str, object]
) -> None:
    todo = await alice.make_todo("Water the plants")

    response = await alice.patch(f"/api/todos/{todo['id']}", json=body)

    assert (response.status_code, response.json()) == (200, todo)


async def test_an_update_can_complete_and_reopen(alice: Person) -> None:
    todo = await alice.make_todo()

    done = (await alice.patch(f"/api/todos/{todo['id']}", json={"is_completed": True})).json()
    open_again = (await alice.patch(f"/api/todos/{todo['id']}", json={"is_completed": False})).json()

    assert (done["is_completed"], done["completed_at"]) == (True, done["updated_at"])
    assert (open_again["is_completed"], open_again["completed_at"]) == (False, None)


async def test_completing_twice_keeps_the_first_time(alice: Person) -> None:
    todo = await alice.make_todo()

    first = await alice.patch(f"/api/todos/{todo['id']}/complete")
    second = await alice.patch(f"/api/todos/{todo['id']}/complete")

    assert first.json()["completed_at"] is not None
    assert (second.status_code, second.json()) == (200, first.json())


async def test_reopening_twice_changes_nothing_the_second_time(alice: Person) -> None:
    todo = await alice.make_todo()
    await alice.patch(f"/api/todos/{todo['id']}/complete")

    first = await alice.patch(f"/api/todos/{todo['id']}/reopen")
    second = await alice.patch(f"/api/todos/{todo['id']}/reopen")

    assert first.json()["completed_at"] is None
    assert (second.status_code, second.json()) == (200, first.json())


async def test_a_deleted_todo_moves_to_the_trash(alice: Person) -> None:
    todo = await alice.make_todo()

    response = await alice.delete(f"/api/todos/{todo['id']}")

    assert (response.status_code, response.content) == (204, b"")
    assert (await alice.get("/api/todos")).json()["items"] == []
    [trashed] = (await alice.get("/api/todos?status=deleted")).json()["items"]
    assert trashed == {
        **todo,
        "version": 2,
        "deleted_at": trashed["deleted_at"],
        "updated_at": trashed["deleted_at"],
    }


@pytest.mark.parametrize(
    ("method", "action"),
    [("GET", ""), ("PATCH", ""), ("PATCH", "/complete"), ("PATCH", "/reopen"), ("DELETE", "")],
)
async def test_a_todo_in_the_trash_is_not_found(alice: Person, method: str, action: str) -> None:
    todo = await alice.make_todo()
    await alice.delete(f"/api/todos/{todo['id']}")

    response = await alice.request(
        method, f"/api/todos/{todo['id']}{action}", json={} if not action else None
    )

    assert (response.status_code, response.json()["error_code"]) == (404, "todo_not_found")


async def test_a_restored_todo_is_as_before(alice: Person) -> None:
    todo = await alice.make_todo(priority="high")
    await alice.patch(f"/api/todos/{todo['id']}/complete")
    await alice.delete(f"/api/todos/{todo['id']}")

    restored = (await alice.patch(f"/api/todos/{todo['id']}/restore")).json()

    assert (restored["deleted_at"], restored["is_completed"], restored["version"]) == (None, True, 4)
    assert (await alice.get("/api/todos")).json()["items"] == [restored]


async def test_restoring_what_is_not_in_the_trash_changes_nothing(alice: Person) -> None:
    todo = await alice.make_todo()

    response = await alice.patch(f"/api/todos/{todo['id']}/restore")

    assert (response.status_code, response.json()) == (200, todo)


ACTIONS = [
    ("GET", ""),
    ("PATCH", ""),
    ("PATCH", "/complete"),
    ("PATCH", "/reopen"),
    ("PATCH", "/restore"),
    ("DELETE", ""),
]


@pytest.mark.parametrize(("method", "action"), ACTIONS)
async def test_an_unknown_id_is_not_found(alice: Person, method: str, action: str) -> None:
    body = {"title": "Mine now"} if (method, action) == ("PATCH", "") else None

    response = await alice.request(method, f"/api/todos/{uuid4()}{action}", json=body)

    assert (response.status_code, response.json()["error_code"]) == (404, "todo_not_found")


@pytest.mark.parametrize(("method", "action"), ACTIONS)
async def test_somebody_elses_todo_is_forbidden_and_untouched(
    alice: Person, bob: Person, method: str, action: str
) -> None:
    todo = await alice.make_todo()
    body = {"title": "Mine now"} if (method, action) == ("PATCH", "") else None

    response = await bob.request(method, f"/api/todos/{todo['id']}{action}", json=body)

    assert (response.status_code, response.json()["error_code"]) == (403, "todo_not_owned")
    assert (await alice.get(f"/api/todos/{todo['id']}")).json() == todo


async def test_somebody_elses_todos_are_neither_listed_nor_counted(alice: Person, bob: Person) -> None:
    await alice.make_todo()

    page = (await bob.get("/api/todos")).json()

    assert (page["items"], page["total"]) == ([], 0)
