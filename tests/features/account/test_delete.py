"""A person who goes leaves nothing behind; whoever asks for it must have just signed in."""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.factories import LIMITS, SECRET, Person, Service
from todo.database.engine import connect, open_pool
from todo.database.roles import APP_GROUP, login_of
from todo.database.transaction import Database
from todo.features.todos.service import todo_service

STEP_UP = 'Bearer error="insufficient_user_authentication"'


def claiming(service: Service, person: Person, auth_time: Any) -> Person:
    """The same person, with a token that makes this claim about when they signed in."""
    token = service.issuer.token(person.subject, auth_time=auth_time)
    return Person(person.client, token, person.subject)


def signed_in(service: Service, person: Person, *, seconds_ago: float = 0) -> Person:
    """The same person, having signed in lately."""
    return claiming(service, person, int(time.time()) - seconds_ago)


async def rows_of(service: Service, person: Person) -> dict[str, int]:
    """Count the rows of every table in which the person is named."""
    async with connect(service.owner_url) as owner:
        tables = [row["relname"] for row in await owner.fetch("SELECT relname FROM pg_stat_user_tables")]
        counts = {
            table: await owner.fetchval(
                f"SELECT count(*) FROM public.{table} AS t WHERE t::text LIKE $1", f"%{person.subject}%"
            )
            for table in tables
        }
    return {table: count for table, count in counts.items() if count}


async def live(person: Person) -> None:
    await person.post("/api/todos", json={"title": "Keyed"}, headers={"idempotency-key": "key-1"})
    todo = await person.make_todo()
    await person.delete(f"/api/todos/{todo['id']}")


async def test_nothing_of_a_deleted_person_is_left_and_everything_of_others(
    service: Service, alice: Person, bob: Person
) -> None:
    await live(alice)
    await live(bob)
    before = await rows_of(service, bob)

    response = await signed_in(service, alice).delete("/api/account")

    assert (response.status_code, response.content) == (204, b"")
    assert await rows_of(service, alice) == {}
    assert await rows_of(service, bob) == before
    assert before == {"users": 1, "todos": 2, "todo_changes": 3, "idempotency_keys": 1}


async def assert_asked_to_sign_in(person: Person) -> None:
    response = await person.delete("/api/account")
    assert (response.status_code, response.json()["error_code"]) == (401, "reauthentication_required")
    assert response.headers["www-authenticate"].startswith(STEP_UP)
    assert 'max_age="600"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("seconds_ago", [660, 3600, -120])
async def test_who_has_not_just_signed_in_is_asked_to(
    service: Service, alice: Person, seconds_ago: int
) -> None:
    await alice.make_todo()

    await assert_asked_to_sign_in(signed_in(service, alice, seconds_ago=seconds_ago))

    assert (await alice.get("/api/todos")).json()["total"] == 1


@pytest.mark.parametrize(
    "auth_time",
    [None, 0, -1, "now", "2026-11-24", True, [0], 1e400, float("nan"), 10**400],
    ids=lambda value: str(value)[:12],
)
async def test_a_token_that_does_not_say_when_is_not_enough(
    service: Service, alice: Person, auth_time: Any
) -> None:
    await assert_asked_to_sign_in(claiming(service, alice, auth_time))


@pytest.mark.parametrize("seconds_ago", [590, 1.5, 0, -10])
async def test_a_sign_in_of_a_few_minutes_ago_will_do(
    service: Service, alice: Person, seconds_ago: float
) -> None:
    response = await signed_in(service, alice, seconds_ago=seconds_ago).delete("/api/account")

    assert response.status_code == 204


async def test_emptying_the_trash_of_somebody_who_is_gone_does_not_bring_them_back(
    service: Service, alice: Person
) -> None:
    await live(alice)
    await signed_in(service, alice).delete("/api/account")
    async with open_pool(login_of(APP_GROUP, service.owner_url, SECRET), size=1) as pool:
        database = Database(pool)
        async with database.transaction(UUID(alice.subject)) as transaction:
            purged = await todo_service(transaction, SECRET, LIMITS).purge_trash(datetime.now(UTC))

    assert purged == 0
    assert await rows_of(service, alice) == {}


async def test_a_token_of_an_outside_issuer_begins_anew_after_the_deletion(
    service: Service, alice: Person
) -> None:
    await alice.make_todo()
    await signed_in(service, alice).delete("/api/account")

    again = await signed_in(service, alice).delete("/api/account")
    todo = await alice.make_todo("New life")

    assert again.status_code == 204
    assert [item["id"] for item in (await alice.get("/api/todos")).json()["items"]] == [todo["id"]]
