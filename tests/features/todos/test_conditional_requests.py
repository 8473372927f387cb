"""ETag, If-Match and If-None-Match."""

import asyncio

import pytest

from tests.factories import Person


@pytest.mark.parametrize("tag", ['"1"', '"7", "1"', "*"])
async def test_a_change_with_the_current_etag_goes_in(alice: Person, tag: str) -> None:
    todo = await alice.make_todo()

    response = await alice.patch(f"/api/todos/{todo['id']}", json={"title": "New"}, headers={"if-match": tag})

    assert (response.status_code, response.json()["version"]) == (200, 2)


@pytest.mark.parametrize("tag", ['"2"', 'W/"1"', "1", "nonsense", '""'])
@pytest.mark.parametrize(
    ("method", "action"),
    [("PATCH", ""), ("PATCH", "/complete"), ("PATCH", "/reopen"), ("PATCH", "/restore"), ("DELETE", "")],
)
async def test_a_change_with_another_etag_is_refused(
    alice: Person, tag: str, method: str, action: str
) -> None:
    todo = await alice.make_todo()
    body = {"title": "New"} if (method, action) == ("PATCH", "") else None

    response = await alice.request(
        method, f"/api/todos/{todo['id']}{action}", json=body, headers={"if-match": tag}
    )

    assert (response.status_code, response.json()["error_code"]) == (412, "todo_changed")
    assert (await alice.get(f"/api/todos/{todo['id']}")).json() == todo


async def test_of_many_changes_with_one_etag_one_goes_in(alice: Person) -> None:
    todo = await alice.make_todo()

    responses = await asyncio.gather(
        *(
            alice.patch(f"/api/todos/{todo['id']}", json={"title": f"No. {n}"}, headers={"if-match": '"1"'})
            for n in range(40)
        )
    )

    assert sorted(response.status_code for response in responses) == [200] + [412] * 39


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"9", "1"', "*"])
async def test_a_todo_you_have_already_is_not_sent_again(alice: Person, tag: str) -> None:
    todo = await alice.make_todo()

    response = await alice.get(f"/api/todos/{todo['id']}", headers={"if-none-match": tag})

    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", '"1"')


async def test_a_todo_that_changed_is_sent(alice: Person) -> None:
    todo = await alice.make_todo()
    await alice.patch(f"/api/todos/{todo['id']}/complete")

    response = await alice.get(f"/api/todos/{todo['id']}", headers={"if-none-match": '"1"'})

    assert (response.status_code, response.headers["etag"]) == (200, '"2"')


async def test_a_list_you_have_already_is_not_sent_again_until_it_changes(alice: Person) -> None:
    todo = await alice.make_todo()
    tag = (await alice.get("/api/todos")).headers["etag"]

    same = await alice.get("/api/todos", headers={"if-none-match": tag})
    await alice.patch(f"/api/todos/{todo['id']}/complete")
    other = await alice.get("/api/todos", headers={"if-none-match": tag})

    assert (same.status_code, same.content, other.status_code) == (304, b"", 200)
