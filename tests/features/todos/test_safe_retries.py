"""A request that is sent again is done once: by a key, or by an id of one's own."""

import asyncio
from typing import Any

import pytest
import uuid_utils.compat as uuids

from tests.factories import Person, Service
from todo.database.engine import connect

BODY = {"title": "Water the plants"}


async def post(person: Person, key: str, **body: Any) -> Any:
    return await person.post("/api/todos", json=body or BODY, headers={"idempotency-key": key})


async def total(person: Person) -> int:
    return int((await person.get("/api/todos")).json()["total"])


async def test_the_same_key_and_body_get_the_same_answer_and_one_todo(alice: Person) -> None:
    first = await post(alice, "key-1")
    second = await post(alice, "key-1")

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert [second.headers[name] for name in ("etag", "location", "content-type")] == [
        first.headers[name] for name in ("etag", "location", "content-type")
    ]
    assert second.headers["idempotent-replayed"] == "true"
    assert await total(alice) == 1


async def test_the_answer_stays_the_first_though_the_todo_changed(alice: Person) -> None:
    first = await post(alice, "key-1")
    await alice.patch(f"/api/todos/{first.json()['id']}/complete")

    assert (await post(alice, "key-1")).content == first.content


async def test_another_body_under_the_same_key_is_refused(alice: Person) -> None:
    await post(alice, "key-1")

    response = await post(alice, "key-1", title="Something else")

    assert (response.status_code, response.json()["error_code"]) == (422, "idempotency_key_reused")
    assert await total(alice) == 1


async def test_forty_at_once_make_one_todo(alice: Person) -> None:
    responses = await asyncio.gather(*(post(alice, "key-1") for _ in range(40)))

    made = {response.content for response in responses if response.status_code == 201}
    others = {response.json()["error_code"] for response in responses if response.status_code != 201}
    assert len(made) == 1
    assert others <= {"request_in_flight"}
    assert await total(alice) == 1


@pytest.mark.parametrize("is_new", [True, False])
async def test_while_the_first_is_in_flight_the_second_is_told_so(
    service: Service, alice: Person, *, is_new: bool
) -> None:
    if not is_new:
        await alice.make_todo()
    name = f"{alice.subject}/key-1"
    async with connect(service.owner_url) as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name)
        meanwhile = await post(alice, "key-1")
    afterwards = await post(alice, "key-1")

    assert (meanwhile.status_code, meanwhile.json()["error_code"]) == (409, "request_in_flight")
    assert meanwhile.headers["retry-after"] == "1"
    assert afterwards.status_code == 201


async def test_what_was_refused_can_be_mended_under_the_same_key(alice: Person) -> None:
    refused = await post(alice, "key-1", title="")
    mended = await post(alice, "key-1")

    assert (refused.status_code, mended.status_code) == (422, 201)


async def test_people_do_not_share_keys(alice: Person, bob: Person) -> None:
    hers, his = await post(alice, "key-1"), await post(bob, "key-1")

    assert hers.json()["id"] != his.json()["id"]


async def test_after_a_day_the_key_is_free_again(service: Service, alice: Person) -> None:
    first = await post(alice, "key-1")
    async with connect(service.owner_url) as owner:
        await owner.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours'"
            " WHERE user_id = $1::text::uuid",
            alice.subject,
        )

    second = await post(alice, "key-1", title="Something else")

    assert (second.status_code, second.json()["id"] != first.json()["id"]) == (201, True)
    async with connect(service.owner_url) as owner:
        kept = await owner.fetchval(
            "SELECT count(*) FROM idempotency_keys WHERE user_id = $1::text::uuid", alice.subject
        )
    assert kept == 1


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "é"])
async def test_an_unfit_key_is_refused(alice: Person, key: str) -> None:
    headers = [(b"idempotency-key", key.encode()), (b"authorization", f"Bearer {alice.token}".encode())]

    response = await alice.client.post("/api/todos", json=BODY, headers=headers)

    assert (response.status_code, response.json()["errors"][0]["location"]) == (422, "header")


async def test_a_todo_can_be_put_under_an_id_of_ones_own_once(alice: Person) -> None:
    todo_id = str(uuids.uuid7())

    first = await alice.request("PUT", f"/api/todos/{todo_id}", json=BODY)
    second = await alice.request("PUT", f"/api/todos/{todo_id}", json={"title": "Something else"})

    assert (first.status_code, first.json()["id"]) == (201, todo_id)
    assert first.headers["location"] == f"/api/todos/{todo_id}"
    assert (second.status_code, second.json()) == (200, first.json())
    assert await total(alice) == 1


async def test_putting_what_went_to_the_trash_does_not_bring_it_back(alice: Person) -> None:
    path = f"/api/todos/{uuids.uuid7()}"
    await alice.request("PUT", path, json=BODY)
    await alice.delete(path)

    again = await alice.request("PUT", path, json=BODY)

    assert (again.status_code, again.json()["deleted_at"] is not None) == (200, True)
    assert await total(alice) == 0


@pytest.mark.parametrize(
    "todo_id", ["019a5e2c-7a10-4c3e-9d52-6b1f0c4a8e21", "019a5e2c-7a10-1c3e-9d52-6b1f0c4a8e21"]
)
async def test_an_id_that_is_no_uuidv7_is_refused(alice: Person, todo_id: str) -> None:
    response = await alice.request("PUT", f"/api/todos/{todo_id}", json=BODY)

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/todo_id")


async def test_two_people_may_choose_the_same_id(alice: Person, bob: Person) -> None:
    path = f"/api/todos/{uuids.uuid7()}"
    hers = await alice.request("PUT", path, json={"title": "Hers"})
    his = await bob.request("PUT", path, json={"title": "His"})

    assert (hers.status_code, his.status_code) == (201, 201)
    assert (await alice.get(path)).json()["title"] == "Hers"
