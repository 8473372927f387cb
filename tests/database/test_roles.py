"""Logins are made once, by whoever may, and never in clear text."""

import asyncio
import hashlib
import hmac
from base64 import b64decode

from tests.factories import SECRET, migrated_database, new_database
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, create_groups, create_logins, login_of, logins_work
from todo.database.scram import scram_verifier
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone


async def test_logins_that_work_are_left_alone(each_server: DatabaseUrl) -> None:
    async with migrated_database(each_server) as url:
        assert await logins_work(url, SECRET)
        assert not await logins_work(url, b"the secret of another installation")


async def test_many_installations_can_be_prepared_at_once(each_server: DatabaseUrl) -> None:
    async with new_database(each_server) as one, new_database(each_server) as other:
        await asyncio.gather(*(create_groups(url) for url in (one, other) for _ in range(4)))


async def test_a_password_is_never_part_of_a_statement(each_server: DatabaseUrl) -> None:
    async with migrated_database(each_server) as url, alone(url) as gate:
        statements: list[str] = []
        gate.add_query_logger(lambda record: statements.append(record.query))
        await create_logins(gate, url, SECRET)

    assert len(statements) > 5
    assert not any(login_of(APP_GROUP, url, SECRET).password in statement for statement in statements)


async def test_the_server_keeps_the_verifier_as_it_is(each_server: DatabaseUrl) -> None:
    async with migrated_database(each_server) as url, connect(url) as owner:
        user = login_of(APP_GROUP, url, SECRET).user
        stored = await owner.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", user)

    assert stored.startswith("SCRAM-SHA-256$4096:")


def test_the_verifier_is_made_as_the_standard_says() -> None:
    _, salted, keys = scram_verifier("pencil").split("$")
    iterations, salt = salted.split(":")
    password = hashlib.pbkdf2_hmac("sha256", b"pencil", b64decode(salt), int(iterations))

    stored_key, server_key = (b64decode(key) for key in keys.split(":"))

    assert stored_key == hashlib.sha256(hmac.digest(password, b"Client Key", "sha256")).digest()
    assert server_key == hmac.digest(password, b"Server Key", "sha256")
