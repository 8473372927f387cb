"""A person's data: taken out, brought in, and gone for good."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest

from tests.e2e.apps import App, Browser
from tests.e2e.people import Account, People, claims_of
from tests.e2e.product import Product
from tests.e2e.waiting import until
from tests.factories import Person
from todo.database.engine import Connection, connect
from todo.database.roles import APP_GROUP, login_of

POOL_SIZE = 8
TABLES = """
SELECT nspname || '.' || quote_ident(relname) AS name
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
 WHERE relkind IN ('r', 'm', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
"""
BIG = """
INSERT INTO todos (user_id, id, title, description, created_at, updated_at, version, change_seq)
SELECT $1, gen_random_uuid(), n, repeat('x', 1000), now(), now(), 1, n + 1000
  FROM generate_series(1, 8000) AS n
"""
UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


async def rows_naming(product: Product, *words: str) -> set[tuple[str, str]]:
    """Give every row of every table of every schema in which one of the words occurs."""
    patterns = [f"%{word}%" for word in words]
    async with connect(product.owner_url) as owner:
        return {
            (table["name"], row["text"])
            for table in await owner.fetch(TABLES)
            for row in await owner.fetch(
                f"SELECT t::text AS text FROM {table['name']} AS t WHERE t::text LIKE ANY ($1)", patterns
            )
        }


def ids_in(rows: set[tuple[str, str]]) -> set[str]:
    return set(UUID_TEXT.findall(" ".join(text for _, text in rows)))


async def live(account: Account, product: Product, people: People) -> tuple[Person, App]:
    """Leave a trace wherever one can be left, and give the person and the app they have connected."""
    person = await account.person()
    app = App(product, account, await Browser.of(product, account, people))
    async with app.connected() as agent:
        await agent.call_tool("create_todos", {"todos": [{"title": f"Ask {account.email}"}]})
    await person.post("/api/keys", json={"name": account.email})
    await person.post("/api/todos", json={"title": "Keyed"}, headers={"idempotency-key": "key-1"})
    todo = await person.make_todo(f"Write to {account.email}")
    await person.delete(f"/api/todos/{todo['id']}")
    await people.again(product, account)
    pending = {
        "sign-in-otp-" + account.email: "123456:0",
        account.email: "code",
        "reset-password:" + account.session: person.subject,
        "magic-" + account.session: json.dumps({"email": account.email}),
        "code-" + account.session: json.dumps({"userId": person.subject}),
    }
    async with connect(product.owner_url) as owner:
        await owner.executemany(
            'INSERT INTO auth.verification (id, identifier, value, "expiresAt", "createdAt", "updatedAt")'
            " VALUES (gen_random_uuid(), $1, $2, now() + interval '1 hour', now(), now())",
            list(pending.items()),
        )
    return person, app


async def waiters(watcher: Connection, count: int) -> bool:
    """Whether so many statements wait for a lock."""
    return bool(await watcher.fetchval(WAITING) == count)


async def age_sign_in(product: Product, account: Account) -> None:
    """Make the session a day old and due for its prolongation."""
    async with connect(product.owner_url) as owner:
        await owner.execute(
            "UPDATE auth.session SET \"createdAt\" = now() - interval '1 day',"
            " \"updatedAt\" = now() - interval '1 day', \"expiresAt\" = now() + interval '2 days'"
            " WHERE id = $1",
            UUID(claims_of(await account.token())["sid"]),
        )


async def test_an_export_tells_who_somebody_is_and_what_they_have(account: Account) -> None:
    person = await account.person()
    todo = await person.make_todo()

    document = (await person.get("/api/account/export")).json()

    profile = document["account"]
    signed_up = datetime.fromisoformat(profile.pop("created_at"))
    assert profile == {"id": person.subject, "name": "Somebody", "email": account.email}
    assert datetime.now(UTC) - signed_up < timedelta(minutes=5)
    assert document["todos"] == [todo]


async def test_an_export_is_imported_by_somebody_else(
    account: Account, people: People, product: Product
) -> None:
    person = await account.person()
    await person.make_todo()
    file = (await person.get("/api/account/export")).content
    other = await (await people.newcomer(product)).person()

    headers = {"content-type": "application/json"}
    report = (await other.post("/api/account/import", content=file, headers=headers)).json()

    assert (report["added"], report["not_imported"]) == (1, ["account"])
    mine, theirs = json.loads(file), (await other.get("/api/account/export")).json()
    assert theirs["todos"] == mine["todos"]
    assert theirs["account"] != mine["account"]


async def test_nothing_of_a_deleted_person_is_left_and_everything_of_others(
    account: Account, people: People, product: Product
) -> None:
    person, app = await live(account, product, people)
    # Whose address has the other one in it.
    neighbour = Account(await people.client(product), f"x-{account.email}")
    await neighbour.sign_up()
    other, _ = await live(neighbour, product, people)
    theirs = await rows_naming(product, other.subject, neighbour.email)
    mine = await rows_naming(product, person.subject, account.email) - theirs

    answer = await (await account.person()).delete("/api/account")

    assert answer.status_code == 204
    # Also by the ids of what was theirs, by which one row may still name another.
    left = await rows_naming(product, person.subject, account.email, *(ids_in(mine) - ids_in(theirs)))
    assert left - theirs == set()
    assert await rows_naming(product, other.subject, neighbour.email) == theirs
    assert [(await app.knock()).status_code, (await app.refresh()).status_code] == [401, 400]
    assert (
        {table for table, _ in mine}
        == {table for table, _ in theirs}
        == {
            'auth."user"',
            "auth.account",
            "auth.session",
            "auth.verification",
            'auth."oauthConsent"',
            'auth."oauthRefreshToken"',
            "public.api_keys",
            "public.idempotency_keys",
            "public.todo_changes",
            "public.todos",
            "public.users",
        }
    )


async def test_after_the_deletion_no_token_counts_and_the_address_begins_anew(
    account: Account, people: People, product: Product
) -> None:
    phone = await people.again(product, account)
    person, elsewhere = await account.person(), await phone.person()
    await person.make_todo()

    await person.delete("/api/account")

    answers = [
        await person.get("/api/todos"),
        await elsewhere.get("/api/todos"),
        await elsewhere.post("/api/todos", json={"title": "Too late"}),
        await person.delete("/api/account"),
        await phone.ask("GET", "token"),
        await (await people.visitor(product, account)).sign_in(),
    ]
    assert [answer.status_code for answer in answers] == [401] * 6
    anew = Account(await people.client(product), account.email)
    assert (await anew.sign_up()).status_code == 200
    again = await anew.person()
    assert again.subject != person.subject
    assert (await again.get("/api/todos")).json()["total"] == 0


async def test_an_old_session_that_was_prolonged_is_no_recent_sign_in(
    account: Account, people: People, product: Product
) -> None:
    await age_sign_in(product, account)

    refused = await (await account.person()).delete("/api/account")
    accepted = await (await (await people.again(product, account)).person()).delete("/api/account")

    assert (refused.status_code, refused.json()["error_code"]) == (401, "reauthentication_required")
    assert 'max_age="600"' in refused.headers["www-authenticate"]
    assert accepted.status_code == 204


@pytest.mark.parametrize("has_written", [True, False])
async def test_a_write_that_waits_for_the_deletion_leaves_nothing_behind(
    account: Account,
    product: Product,
    has_written: bool,  # noqa: FBT001  # a case
) -> None:
    person = await account.person()
    if has_written:
        await person.make_todo()
    url = product.owner_url
    async with connect(url) as watcher, connect(url) as holder, holder.transaction():
        await holder.execute('SELECT FROM auth."user" WHERE id = $1 FOR UPDATE', UUID(person.subject))

        deletion = asyncio.create_task(person.delete("/api/account"))
        await until(lambda: waiters(watcher, 1), "the deletion waits in its midst")
        write = asyncio.create_task(person.post("/api/todos", json={"title": "Too late"}))
        await until(lambda: waiters(watcher, 2), "the write waits for the deletion")

    assert ((await deletion).status_code, (await write).status_code) == (204, 401)
    assert await rows_naming(product, person.subject, account.email) == set()


async def test_the_role_of_the_service_knows_no_profile_but_the_callers(
    account: Account, product: Product
) -> None:
    person = await account.person()
    url = login_of(APP_GROUP, product.owner_url, product.secret.encode())
    async with connect(url) as app:
        for statement in ('SELECT email FROM auth."user"', 'DELETE FROM auth."user"', "TABLE auth.account"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)
        assert await app.fetch("SELECT * FROM auth.profile_of_caller()") == []
        await app.execute("SELECT auth.forget_caller()")

    assert (await person.get("/api/account/export")).json()["account"]["email"] == account.email


@asynccontextmanager
async def connection(
    product: Product, head: str, *, token: str = ""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Say the head of a request and no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", product.port)
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    writer.write(f"{head} HTTP/1.1\r\nHost: localhost\r\n{bearer}".encode())
    try:
        yield reader, writer
    finally:
        writer.close()


UPLOAD = b"Content-Type: text/csv\r\nContent-Length: 67108864\r\n\r\n"


async def test_a_stranger_is_refused_before_a_large_body_is_sent_and_cannot_go_on_for_ever(
    product: Product,
) -> None:
    async with connection(product, "POST /api/account/import") as (reader, writer):
        writer.write(UPLOAD)
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
        ending = asyncio.create_task(reader.read())
        async with asyncio.timeout(15):
            while not ending.done():
                writer.write(b"x")
                await asyncio.wait([ending], timeout=0.2)

    assert head.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Content-Type: text/csv\r\nContent-Length: 67108865\r\n\r\n", b"413"),
        (b"Content-Type: text/plain\r\nContent-Length: 1000\r\n\r\n", b"415"),
    ],
)
async def test_a_body_that_cannot_be_taken_is_refused_before_it_is_sent(
    product: Product, account: Account, headers: bytes, status: bytes
) -> None:
    token = await account.token()
    async with connection(product, "POST /api/account/import", token=token) as (reader, writer):
        writer.write(headers)
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")

    assert head.split()[1] == status


async def test_bodies_that_arrive_slowly_hold_no_database_connection(
    product: Product, account: Account
) -> None:
    person = await account.person()
    async with AsyncExitStack() as stack:
        for _ in range(POOL_SIZE + 2):
            reader, writer = await stack.enter_async_context(
                connection(product, "POST /api/account/import", token=person.token)
            )
            writer.write(b"Expect: 100-continue\r\n" + UPLOAD)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")

        answer = await person.get("/api/todos")

    assert answer.status_code == 200


async def test_readers_who_stop_reading_hold_no_database_connection(
    product: Product, account: Account
) -> None:
    person = await account.person()
    await person.make_todo()
    async with connect(product.owner_url) as owner:
        await owner.execute(BIG, UUID(person.subject))
    async with AsyncExitStack() as stack:
        for _ in range(POOL_SIZE + 2):
            reader, writer = await stack.enter_async_context(
                connection(product, "GET /api/account/export", token=person.token)
            )
            writer.write(b"\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")

        answer = await person.get("/api/todos")

    assert answer.status_code == 200


async def test_those_who_move_much_leave_connections_to_those_who_want_little(
    product: Product, account: Account, people: People
) -> None:
    person = await account.person()
    await person.make_todo()
    other = await (await people.newcomer(product)).person()
    csv = {"content-type": "text/csv"}

    def send(whose: Person) -> Coroutine[Any, Any, httpx2.Response]:
        return whose.post("/api/account/import", content=b"title\nMilk\n", headers=csv)

    async with connect(product.owner_url) as watcher, connect(product.owner_url) as holder:
        async with holder.transaction():
            await holder.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", UUID(person.subject))
            waiting = [asyncio.create_task(send(person)) for _ in range(POOL_SIZE // 2)]
            await until(lambda: waiters(watcher, POOL_SIZE // 2), "the imports wait")
            refused = await send(other)
            listed = await other.get("/api/todos")
        answers = await asyncio.gather(*waiting)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert listed.status_code == 200
    assert {answer.status_code for answer in answers} == {200}
    assert (await send(other)).status_code == 200
