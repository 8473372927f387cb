"""What is due goes, once, and whoever follows learns of it; what is not due stays."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.factories import LIMITS, SECRET, Person, Service
from todo.database.engine import connect, open_pool
from todo.database.provenance import BY_UPKEEP
from todo.database.roles import APP_GROUP, login_of
from todo.database.transaction import Database
from todo.database.url import DatabaseUrl
from todo.features.todos.schemas import ActOperation
from todo.features.todos.service import PURGE_MAX, todo_service
from todo.problems import CannotStart
from todo.serve.product import upkeep_of
from todo.serve.upkeep import Upkeep
from todo.settings import Settings

FILL_TRASH = """
INSERT INTO todos (user_id, id, title, created_at, updated_at, deleted_at, version, change_seq)
SELECT $1::uuid, gen_random_uuid(), 'Old', now(), now(), now() - interval '31 days', 1, 1000000 + n
  FROM generate_series(1, $2::int) AS n
"""
PURGED_OF = "SELECT count(*) FROM todo_changes WHERE todo_id = $1 AND kind = 'purged'"
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def upkeep(url: DatabaseUrl, trash_days: int = 30) -> Upkeep:
    """The upkeep of an installation whose sign-in is elsewhere."""
    settings = Settings(
        trash_days=trash_days, auth_issuer="https://issuer.example", auth_jwks_url="https://issuer.example/"
    )
    return upkeep_of(settings, url, SECRET)


async def sql(service: Service, command: str, *arguments: Any) -> Any:
    async with connect(service.owner_url) as owner:
        return await owner.fetchval(command, *arguments)


async def put_into_trash(service: Service, person: Person, *, days_ago: float) -> str:
    """Give the id of a todo that went into the trash so long ago."""
    todo_id: str = (await person.make_todo())["id"]
    await person.delete(f"/api/todos/{todo_id}")
    age = "UPDATE todos SET deleted_at = now() - $2::interval WHERE id = $1"
    await sql(service, age, UUID(todo_id), timedelta(days=days_ago))
    return todo_id


async def trash(person: Person) -> set[str]:
    listed = (await person.get("/api/todos", params={"status": "deleted", "limit": 100})).json()
    return {todo["id"] for todo in listed["items"]}


async def test_old_trash_is_gone_for_good_and_younger_stays(service: Service, alice: Person) -> None:
    old = await put_into_trash(service, alice, days_ago=30.01)
    young = await put_into_trash(service, alice, days_ago=29.99)

    await upkeep(service.owner_url).run()

    assert await trash(alice) == {young}
    restored = await alice.patch(f"/api/todos/{old}/restore")
    assert (restored.status_code, restored.json()["error_code"]) == (404, "todo_not_found")


async def test_only_the_trash_of_the_person_is_emptied(service: Service, alice: Person, bob: Person) -> None:
    await put_into_trash(service, alice, days_ago=31)
    live, young = await bob.make_todo(), await put_into_trash(service, bob, days_ago=1)
    place = "SELECT change_seq FROM users WHERE id = $1"
    before = await sql(service, place, UUID(bob.subject))

    await upkeep(service.owner_url).run()

    assert (await bob.get(f"/api/todos/{live['id']}")).json() == live
    assert await trash(bob) == {young}
    assert await sql(service, place, UUID(bob.subject)) == before


async def test_zero_days_keep_the_trash_for_ever(service: Service, alice: Person) -> None:
    old = await put_into_trash(service, alice, days_ago=1000)

    await upkeep(service.owner_url, trash_days=0).run()

    assert await trash(alice) == {old}


async def test_a_restored_todo_stays(service: Service, alice: Person) -> None:
    restored = await put_into_trash(service, alice, days_ago=31)
    await alice.patch(f"/api/todos/{restored}/restore")

    await upkeep(service.owner_url).run()

    assert (await alice.get(f"/api/todos/{restored}")).status_code == 200


async def test_a_todo_that_is_being_restored_stays(service: Service, alice: Person) -> None:
    todo_id = await put_into_trash(service, alice, days_ago=31)
    async with open_pool(login_of(APP_GROUP, service.owner_url, SECRET), size=1) as pool:
        database = Database(pool)
        async with database.transaction(UUID(alice.subject), provenance=BY_UPKEEP) as transaction:
            restoring = ActOperation(op="restore", id=UUID(todo_id))
            await todo_service(transaction, SECRET, LIMITS).change_todos([restoring])
            running = asyncio.create_task(upkeep(service.owner_url).run())
            async with asyncio.timeout(10):
                while not await sql(service, WAITING):
                    pass
    await running

    assert (await alice.get(f"/api/todos/{todo_id}")).status_code == 200


async def test_who_follows_learns_what_was_purged_in_its_place(service: Service, alice: Person) -> None:
    token = (await alice.get("/api/todos/changes")).json()["next"]
    later, earlier = [await put_into_trash(service, alice, days_ago=days) for days in (31, 32)]
    await upkeep(service.owner_url).run()
    by_upkeep = "SELECT count(DISTINCT action) FROM todo_changes WHERE user_id = $1 AND client = 'upkeep'"
    after = await alice.make_todo()

    changes = (await alice.get("/api/todos/changes", params={"since": token})).json()["changes"][4:]

    told = [(change["kind"], change["id"], change["todo"]) for change in changes]
    assert told == [("purged", earlier, None), ("purged", later, None), ("created", after["id"], after)]
    assert changes[0]["at"] == changes[1]["at"] < changes[2]["at"]
    assert await sql(service, by_upkeep, UUID(alice.subject)) == 1


async def test_two_upkeeps_at_once_purge_once_and_tell_once(service: Service, alice: Person) -> None:
    old = await put_into_trash(service, alice, days_ago=31)

    counts = await asyncio.gather(*(upkeep(service.owner_url).run() for _ in range(2)))

    assert sorted((count or {"todos": 0})["todos"] for count in counts) == [0, 1]
    assert await sql(service, PURGED_OF, UUID(old)) == 1


async def test_while_one_upkeep_is_at_work_another_does_nothing(service: Service) -> None:
    async with connect(service.owner_url) as owner, owner.transaction():
        await owner.execute("SELECT pg_advisory_xact_lock(7364512)")

        assert await upkeep(service.owner_url).run() is None

    assert await upkeep(service.owner_url).run() is not None


async def test_two_purges_of_one_person_at_once_tell_once(service: Service, alice: Person) -> None:
    old = await put_into_trash(service, alice, days_ago=31)
    before = datetime.now(UTC) - timedelta(days=30)
    async with open_pool(login_of(APP_GROUP, service.owner_url, SECRET), size=4) as pool:
        database = Database(pool)

        async def purge() -> int:
            async with database.transaction(UUID(alice.subject), provenance=BY_UPKEEP) as transaction:
                return await todo_service(transaction, SECRET, LIMITS).purge_trash(before)

        counts = await asyncio.gather(*(purge() for _ in range(4)))

    assert sorted(counts) == [0, 0, 0, 1]
    assert await sql(service, PURGED_OF, UUID(old)) == 1


async def test_a_large_trash_is_emptied_in_several_steps(service: Service, alice: Person) -> None:
    kept = await alice.make_todo()
    await sql(service, FILL_TRASH, UUID(alice.subject), PURGE_MAX + 500)

    await upkeep(service.owner_url).run()

    mine = "FROM todo_changes WHERE user_id = $1 AND kind = 'purged'"
    assert await trash(alice) == set()
    assert await sql(service, f"SELECT count(*) {mine}", UUID(alice.subject)) == PURGE_MAX + 500
    changed = await alice.patch(f"/api/todos/{kept['id']}/complete")
    assert changed.json()["version"] == 2


@pytest.mark.parametrize(("days_ago", "left"), [(30.5, 3), (31.5, 0)])
async def test_changes_are_forgotten_when_no_token_reaches_them(
    service: Service, alice: Person, days_ago: float, left: int
) -> None:
    for _ in range(3):
        await alice.make_todo()
    age = "UPDATE todo_changes SET at = at - $2::interval WHERE user_id = $1"
    await sql(service, age, UUID(alice.subject), timedelta(days=days_ago))
    today = await alice.make_todo()

    await upkeep(service.owner_url).run()

    mine = "FROM todo_changes WHERE user_id = $1"
    assert await sql(service, f"SELECT count(*) {mine}", UUID(alice.subject)) == left + 1
    last = f"SELECT todo_id {mine} ORDER BY seq DESC LIMIT 1"
    assert await sql(service, last, UUID(alice.subject)) == UUID(today["id"])


async def test_everybodys_changes_are_judged_by_their_own_age(
    service: Service, alice: Person, bob: Person
) -> None:
    age = "UPDATE todo_changes SET at = at - $2::interval WHERE user_id = $1"
    for person, count, days_ago in ((alice, 2, 40), (bob, 5, 10)):
        for _ in range(count):
            await person.make_todo()
        await sql(service, age, UUID(person.subject), timedelta(days=days_ago))

    await upkeep(service.owner_url).run()

    left = "SELECT count(*) FROM todo_changes WHERE user_id = $1"
    assert [await sql(service, left, UUID(person.subject)) for person in (alice, bob)] == [0, 5]


@pytest.mark.parametrize(("hours_ago", "left"), [(23, 1), (25, 0)])
async def test_answers_of_keyed_requests_are_forgotten_after_a_day(
    service: Service, alice: Person, hours_ago: int, left: int
) -> None:
    await alice.post("/api/todos", json={"title": "Once"}, headers={"idempotency-key": "once"})
    age = "UPDATE idempotency_keys SET created_at = now() - $2::interval WHERE user_id = $1"
    await sql(service, age, UUID(alice.subject), timedelta(hours=hours_ago))

    await upkeep(service.owner_url).run()

    kept = "SELECT count(*) FROM idempotency_keys WHERE user_id = $1"
    assert await sql(service, kept, UUID(alice.subject)) == left


async def test_without_its_database_it_says_so_and_can_be_repeated(service: Service) -> None:
    away = DatabaseUrl("nobody", "hidden", "127.0.0.1:1", "none", ())

    with pytest.raises(CannotStart, match="Cannot reach the database"):
        await upkeep(away).run()

    assert await upkeep(service.owner_url).run() is not None
