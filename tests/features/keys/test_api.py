"""API keys: made, listed, used and revoked by their person, and of use to nobody else."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.factories import Person, Service
from todo.database.engine import connect


async def make_key(person: Person, **wanted: Any) -> dict[str, Any]:
    response = await person.post("/api/keys", json={"name": "Laptop", **wanted})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def with_key(service: Service, key: str, method: str, path: str, **options: Any) -> httpx2.Response:
    return await service.client.request(method, path, headers={"x-api-key": key}, **options)


async def test_a_key_opens_the_door_of_its_person(service: Service, alice: Person) -> None:
    made = await make_key(alice)

    added = await with_key(service, made["key"], "POST", "/api/todos", json={"title": "By a program"})

    assert added.status_code == 201
    assert (await alice.get("/api/todos")).json()["items"] == [added.json()]


async def test_a_key_is_taken_as_bearer_too(service: Service, alice: Person) -> None:
    made = await make_key(alice)

    response = await service.client.get("/api/todos", headers={"authorization": f"Bearer {made['key']}"})

    assert response.status_code == 200


async def test_the_list_shows_all_but_the_key(alice: Person, bob: Person) -> None:
    first = await make_key(alice, name="Laptop", scopes=["todo:read"], expires_in_days=7)
    second = await make_key(alice, name="Phone")

    mine = (await alice.get("/api/keys")).json()["items"]
    theirs = (await bob.get("/api/keys")).json()["items"]

    shown = [{name: value for name, value in made.items() if name != "key"} for made in (second, first)]
    assert (mine, theirs) == (shown, [])
    assert second["key"].endswith(second["hint"])


async def test_only_a_digest_is_kept(service: Service, alice: Person) -> None:
    made = await make_key(alice)

    async with connect(service.owner_url) as owner:
        kept = await owner.fetchval("SELECT k::text FROM api_keys AS k WHERE id = $1", UUID(made["id"]))

    assert made["key"].removeprefix("todo_")[-20:] not in kept


async def test_a_key_that_may_only_read_does_not_write(service: Service, alice: Person) -> None:
    made = await make_key(alice, scopes=["todo:read"])

    read = await with_key(service, made["key"], "GET", "/api/todos")
    written = await with_key(service, made["key"], "POST", "/api/todos", json={"title": "No"})

    assert (read.status_code, written.status_code) == (200, 403)
    assert written.json()["error_code"] == "insufficient_scope"


async def test_a_revoked_key_is_refused_at_once(service: Service, alice: Person) -> None:
    made = await make_key(alice)
    assert (await with_key(service, made["key"], "GET", "/api/todos")).status_code == 200

    revoked = await alice.delete(f"/api/keys/{made['id']}")
    refused = await with_key(service, made["key"], "GET", "/api/todos")

    assert (revoked.status_code, refused.status_code) == (204, 401)
    assert (await alice.delete(f"/api/keys/{made['id']}")).json()["error_code"] == "key_not_found"


async def test_an_expired_key_is_refused(service: Service, alice: Person) -> None:
    made = await make_key(alice, expires_in_days=1)
    assert (await with_key(service, made["key"], "GET", "/api/todos")).status_code == 200

    async with connect(service.owner_url) as owner:
        await owner.execute("UPDATE api_keys SET expires_at = now() WHERE id = $1", UUID(made["id"]))

    assert (await with_key(service, made["key"], "GET", "/api/todos")).status_code == 401


async def test_nobody_revokes_the_key_of_another(service: Service, alice: Person, bob: Person) -> None:
    made = await make_key(alice)

    assert (await bob.delete(f"/api/keys/{made['id']}")).status_code == 404
    assert (await with_key(service, made["key"], "GET", "/api/todos")).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_key_does_not_manage_keys(service: Service, alice: Person, method: str) -> None:
    made = await make_key(alice)

    response = await with_key(service, made["key"], method, "/api/keys", json={"name": "Another"})

    assert (response.status_code, response.json()["error_code"]) == (403, "session_required")


@pytest.mark.parametrize(
    "key",
    [
        "nonsense",
        "todo_",
        "todo_nonsense",
        "todo_" + "A" * 54,
        "todo_" + "A" * 10_000,
        "todo_é",
        "todo_=",
        "=" * 54,
    ],
)
async def test_what_is_no_key_is_refused(service: Service, key: str) -> None:
    raw = [(b"x-api-key", key.encode())]
    response = await service.client.get("/api/todos", headers=raw)

    assert (response.status_code, response.json()["error_code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": " "}, "/name"),
        ({"name": "a\0b"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "x", "scopes": []}, "/scopes"),
        ({"name": "x", "scopes": ["admin"]}, "/scopes/0"),
        ({"name": "x", "expires_in_days": 0}, "/expires_in_days"),
        ({"name": "x", "expires_in_days": "30"}, "/expires_in_days"),
        ({"name": "x", "expires_in_days": True}, "/expires_in_days"),
        ({"name": "x", "user_id": "7"}, "/user_id"),
        ({"name": "x", "user_id": str(uuid4())}, "/user_id"),
    ],
)
async def test_a_key_that_breaks_a_rule_is_refused(
    alice: Person, wanted: dict[str, Any], pointer: str
) -> None:
    response = await alice.post("/api/keys", json=wanted)

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_nobody_has_more_keys_than_fifty(alice: Person) -> None:
    for _ in range(45):
        await make_key(alice)

    responses = await asyncio.gather(*(alice.post("/api/keys", json={"name": "x"}) for _ in range(12)))

    statuses = [response.status_code for response in responses]
    assert (statuses.count(201), statuses.count(403)) == (5, 7)


async def test_the_list_tells_when_a_key_was_last_used(service: Service, alice: Person) -> None:
    made = await make_key(alice)
    assert made["last_used_at"] is None

    async with service.another() as worker:
        await with_key(worker, made["key"], "GET", "/api/todos")

    used = (await alice.get("/api/keys")).json()["items"][0]
    assert used["last_used_at"] >= made["created_at"]


async def test_an_agent_signs_in_with_a_key(service: Service, alice: Person) -> None:
    made = await make_key(alice, scopes=["todo:read"])
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"accept": "application/json, text/event-stream", "x-api-key": made["key"]}

    listed = await service.client.post("/mcp", json=message, headers=accept)
    called = await service.client.post(
        "/mcp",
        json={**message, "method": "tools/call", "params": {"name": "create_todos", "arguments": {}}},
        headers=accept,
    )

    assert (listed.status_code, called.status_code) == (200, 403)
