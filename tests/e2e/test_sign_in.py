"""Sign-in through the product's own origin: tokens, sessions and their end, and who may ask."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from tests.e2e.people import PASSWORD, Account, People, claims_of
from tests.e2e.product import Product, copied_product
from tests.e2e.waiting import until
from todo.database.engine import connect

CREDENTIALS = {"email": "nobody@example.com", "password": "a wrong password"}


@dataclass(frozen=True)
class Closed:
    """A product that takes no new people any more, and what it was before."""

    product: Product
    member: Account
    secret_before: str


class Signer:
    """A key that the product publishes and this test holds, so that tokens can be wrong in one thing only."""

    def __init__(self, product: Product, account: Account, session_id: str, subject: str) -> None:
        self.account = account
        self.good = {
            "iss": product.origin,
            "aud": f"{product.origin}/api",
            "sub": subject,
            "sid": session_id,
            "scope": "todo:read todo:write",
        }
        self.key = Ed25519PrivateKey.generate()
        self.key_id = str(uuid4())

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        payload = {**self.good, "iat": now, "exp": now + 600, **claims}
        kept = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(kept, self.key, algorithm="EdDSA", headers={"kid": self.key_id})

    async def status(self, token: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        return (await self.account.client.get("/api/todos", headers=headers)).status_code


@pytest.fixture(scope="module")
async def signer(product: Product) -> AsyncIterator[Signer]:
    """A signer whose key the product has taken in."""
    async with AsyncExitStack() as stack:
        people = People(stack)
        yield await stack.enter_async_context(_accepted_signer(product, await people.newcomer(product)))


@asynccontextmanager
async def _accepted_signer(product: Product, account: Account) -> AsyncIterator[Signer]:
    claims = claims_of(await account.token())
    signer = Signer(product, account, claims["sid"], claims["sub"])
    public = OKPAlgorithm.to_jwk(signer.key.public_key())
    async with connect(product.owner_url) as owner:
        await owner.execute(
            'INSERT INTO auth.jwks (id, "publicKey", "privateKey", "createdAt", "expiresAt") '
            "VALUES ($1, $2, 'unused', now() - interval '1 year', now() + interval '1 year')",
            signer.key_id,
            public,
        )
        await until(lambda: _is_accepted(signer), "the new key taken in", seconds=10)
        yield signer
        await owner.execute("DELETE FROM auth.jwks WHERE id = $1", signer.key_id)


async def _is_accepted(signer: Signer) -> bool:
    return await signer.status(signer.token()) == 200


async def test_a_token_says_who_for_what_and_for_ten_minutes_and_nothing_else(
    account: Account, product: Product
) -> None:
    token = await account.token()

    claims: dict[str, Any] = dict(claims_of(token))
    assert 0 <= claims["iat"] - claims.pop("auth_time") < 60
    assert jwt.get_unverified_header(token)["alg"] == "EdDSA"
    assert claims.pop("exp") - claims.pop("iat") == 600
    assert claims == {
        "iss": product.origin,
        "aud": f"{product.origin}/api",
        "sub": str(UUID(claims["sub"])),
        "sid": str(UUID(claims["sid"])),
        "scope": "todo:read todo:write",
    }


async def test_a_session_renews_its_token_as_often_as_it_likes(account: Account) -> None:
    people = [await account.person() for _ in range(3)]

    answers = [await person.get("/api/todos") for person in people]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_a_session_in_use_is_prolonged_by_fetching_a_token(account: Account, product: Product) -> None:
    session_id = claims_of(await account.token())["sid"]
    async with connect(product.owner_url) as owner:
        await owner.execute(
            "UPDATE auth.session SET \"expiresAt\" = now() + interval '2 days', "
            "\"updatedAt\" = now() - interval '5 days' WHERE id = $1",
            UUID(session_id),
        )

        await account.token()

        left = await owner.fetchval(
            'SELECT "expiresAt" - now() FROM auth.session WHERE id = $1', UUID(session_id)
        )
    assert left > timedelta(days=6)


async def test_an_expired_session_neither_renews_nor_uses_its_tokens(
    account: Account, product: Product
) -> None:
    person = await account.person()
    async with connect(product.owner_url) as owner:
        await owner.execute(
            "UPDATE auth.session SET \"expiresAt\" = now() - interval '1 second' WHERE id = $1",
            UUID(claims_of(person.token)["sid"]),
        )

    answers = [await account.ask("GET", "token"), await person.get("/api/todos")]

    assert [answer.status_code for answer in answers] == [401, 401]


async def test_signing_out_ends_the_access_tokens_of_the_session_at_once(account: Account) -> None:
    person = await account.person()

    left = await account.ask("POST", "sign-out")

    answer = await person.get("/api/todos")
    assert (left.status_code, answer.status_code) == (200, 401)
    assert answer.headers["www-authenticate"] == 'Bearer realm="todo", error="invalid_token"'


async def test_a_revoked_session_ends_its_access_tokens_at_once(
    account: Account, people: People, product: Product
) -> None:
    phone = await people.again(product, account)
    lost = await phone.person()

    await account.ask("POST", "revoke-session", token=phone.session)

    assert (await lost.get("/api/todos")).status_code == 401
    assert (await phone.ask("GET", "token")).status_code == 401
    assert (await (await account.person()).get("/api/todos")).status_code == 200


async def test_revoking_other_sessions_ends_their_access_tokens_and_keeps_this_one(
    account: Account, people: People, product: Product
) -> None:
    others = [await people.again(product, account) for _ in range(2)]
    lost = [await other.person() for other in others]
    kept = await account.person()

    await account.ask("POST", "revoke-other-sessions")

    assert [(await person.get("/api/todos")).status_code for person in lost] == [401, 401]
    assert (await kept.get("/api/todos")).status_code == 200


async def test_revoking_all_sessions_ends_every_access_token(
    account: Account, people: People, product: Product
) -> None:
    phone = await people.again(product, account)
    everyone = [await account.person(), await phone.person()]

    await account.ask("POST", "revoke-sessions")

    assert [(await person.get("/api/todos")).status_code for person in everyone] == [401, 401]
    assert (await phone.ask("GET", "token")).status_code == 401


async def test_a_person_sees_their_own_sessions_and_those_alone(
    account: Account, people: People, product: Product
) -> None:
    phone = await people.again(product, account)

    listed = await account.ask("GET", "list-sessions")

    assert {session["token"] for session in listed.json()} == {account.session, phone.session}


async def test_nobody_revokes_the_session_of_another(
    account: Account, people: People, product: Product
) -> None:
    other = await people.newcomer(product)

    await other.ask("POST", "revoke-session", token=account.session)

    assert (await account.ask("GET", "token")).status_code == 200


async def test_more_than_a_hundred_other_sessions_are_all_revoked(account: Account, product: Product) -> None:
    subject = UUID(claims_of(await account.token())["sub"])
    async with connect(product.owner_url) as owner:
        await owner.execute(
            'INSERT INTO auth.session (id, "expiresAt", token, "createdAt", "updatedAt", "userId") '
            "SELECT gen_random_uuid(), now() + interval '1 day', gen_random_uuid()::text, now(), now(), $1 "
            "FROM generate_series(1, 250)",
            subject,
        )

        await account.ask("POST", "revoke-other-sessions")

        left = await owner.fetch('SELECT token FROM auth.session WHERE "userId" = $1', subject)
    assert [row["token"] for row in left] == [account.session]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "http://localhost/mcp"},
        {"aud": None},
        {"iss": "http://localhost:1"},
        {"iss": None},
        {"sub": None},
        {"exp": None},
        {"iat": None},
        {"exp": 1_700_000_000},
        {"iat": 4_000_000_000, "exp": 4_000_000_600},
        {"sid": None},
        {"sid": "no uuid"},
        {"sid": "019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21"},
    ],
    ids=json.dumps,
)
async def test_a_well_signed_token_that_is_wrong_in_one_claim_is_refused(
    signer: Signer, claims: dict[str, Any]
) -> None:
    status = await signer.status(signer.token(**claims))

    assert status == 401


async def test_a_token_signed_with_another_key_under_a_known_name_is_refused(signer: Signer) -> None:
    claims = claims_of(signer.token())

    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"kid": signer.key_id})

    assert await signer.status(forged) == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_token_of_a_weaker_kind_is_refused(signer: Signer, algorithm: str) -> None:
    claims = claims_of(signer.token())
    key = "" if algorithm == "none" else signer.key.public_key().public_bytes_raw()

    forged = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": signer.key_id})

    assert await signer.status(forged) == 401


async def test_a_session_token_is_no_access_token(account: Account) -> None:
    headers = {"authorization": f"Bearer {account.session}"}

    answer = await account.client.get("/api/todos", headers=headers)

    assert (answer.status_code, answer.json()["error_code"]) == (401, "unauthenticated")


async def test_an_access_token_is_no_session(account: Account) -> None:
    headers = {"authorization": f"Bearer {await account.token()}"}

    answers = [
        await account.client.get(f"/api/auth/{action}", headers=headers)
        for action in ("token", "list-sessions")
    ]

    assert [answer.status_code for answer in answers] == [401, 401]


async def test_after_a_key_rotation_new_tokens_work_and_the_old_ones_work_on(
    account: Account, product: Product
) -> None:
    before = await account.person()
    async with connect(product.owner_url) as owner:
        await owner.execute("UPDATE auth.jwks SET \"expiresAt\" = now() - interval '1 second'")

    after = await account.person()

    old, new = (jwt.get_unverified_header(person.token)["kid"] for person in (before, after))
    assert old != new
    assert (await after.get("/api/todos")).status_code == 200
    assert (await before.get("/api/todos")).status_code == 200


async def test_a_caller_without_credentials_never_gets_the_session_of_one_who_signed_in(
    product: Product, people: People
) -> None:
    browser = await people.browser(product)
    owner = Account(browser, (await people.newcomer(product)).email)
    await owner.sign_in()
    stranger = await people.client(product)

    signed_in = [browser.get("/api/auth/token") for _ in range(20)]
    bare = [
        stranger.get("/api/auth/token", headers=headers)
        for headers in ({}, {"authorization": "Bearer"}, {"authorization": "Bearer x"}) * 20
    ]
    answers = await asyncio.gather(*signed_in, *bare)

    assert {answer.status_code for answer in answers[:20]} == {200}
    assert {answer.status_code for answer in answers[20:]} == {401}
    assert not [answer for answer in answers[20:] if b"token" in answer.content]


async def test_many_people_at_once_each_get_their_own_token(product: Product, people: People) -> None:
    accounts = [await people.newcomer(product) for _ in range(4)]
    own = [claims_of(await account.token())["sub"] for account in accounts]

    tokens = await asyncio.gather(*(account.token() for account in accounts * 15))

    assert [claims_of(token)["sub"] for token in tokens] == own * 15


async def test_every_cookie_comes_through_on_a_line_of_its_own_and_out_of_reach_of_scripts(
    product: Product, people: People, account: Account
) -> None:
    visitor = Account(await people.client(product), account.email)

    answer = await visitor.sign_in(rememberMe=False)

    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["todo.session_token", "todo.dont_remember"]
    assert all("; HttpOnly" in cookie and "; SameSite=Lax" in cookie for cookie in cookies)


async def test_an_answer_of_the_auth_server_carries_each_plain_header_once(account: Account) -> None:
    answer = await account.ask("GET", "get-session")

    names = [name.lower() for name, _ in answer.headers.raw]
    assert sorted(names) == sorted(set(names))


async def test_a_page_of_ours_lives_on_its_cookie_alone(
    product: Product, people: People, account: Account
) -> None:
    browser = await people.browser(product)
    await Account(browser, account.email).sign_in()

    token = (await browser.get("/api/auth/token")).json()["token"]

    answer = await browser.get("/api/todos", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert (await browser.get("/api/todos")).status_code == 401


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
async def test_another_site_cannot_act_with_a_cookie(
    product: Product, people: People, account: Account, origin: str | None
) -> None:
    browser = await people.browser(product)
    await Account(browser, account.email).sign_in()
    browser.headers.pop("origin")
    headers = {} if origin is None else {"origin": origin}

    answer = await browser.post("/api/auth/sign-out", headers=headers)

    assert answer.status_code == 403
    assert (await browser.get("/api/auth/token")).status_code == 200


async def test_a_foreign_origin_cannot_sign_in_either(
    product: Product, people: People, account: Account
) -> None:
    client = await people.client(product)
    wanted = {"email": account.email, "password": PASSWORD}

    answer = await client.post(
        "/api/auth/sign-in/email", json=wanted, headers={"origin": "https://evil.example"}
    )

    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_a_revoked_browser_session_mints_no_more_tokens(
    product: Product, people: People, account: Account
) -> None:
    browser = await people.browser(product)
    await Account(browser, account.email).sign_in()
    assert (await browser.get("/api/auth/token")).status_code == 200

    await account.ask("POST", "revoke-other-sessions")

    assert (await browser.get("/api/auth/token")).status_code == 401
    assert (await browser.get("/api/auth/get-session")).json() is None


async def test_forged_addresses_do_not_buy_more_attempts_to_sign_in(product: Product, people: People) -> None:
    # Servers tend to believe such headers from this address in particular.
    forger = await people.client(product, address="127.0.0.1")
    answers = []
    for number in range(4):
        address = f"198.51.100.{number}"
        names = ("x-forwarded-for", "x-client-ip", "x-real-ip", "cf-connecting-ip", "true-client-ip")
        headers = {**dict.fromkeys(names, address), "forwarded": f"for={address}"}
        answers.append(await forger.post("/api/auth/sign-in/email", json=CREDENTIALS, headers=headers))

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10


async def test_one_address_with_too_many_attempts_leaves_the_others_alone(
    product: Product, people: People, account: Account
) -> None:
    guesser = await people.client(product)
    attempts = [await guesser.post("/api/auth/sign-in/email", json=CREDENTIALS) for _ in range(4)]

    entered = await (await people.visitor(product, account)).sign_in()

    assert (attempts[-1].status_code, entered.status_code) == (429, 200)


async def test_an_email_that_is_taken_cannot_sign_up_again(account: Account) -> None:
    answer = await account.sign_up()

    assert answer.status_code == 422


async def test_two_sign_ups_at_once_with_one_email_make_one_account(product: Product, people: People) -> None:
    first = await people.stranger(product)
    second = Account(await people.client(product), first.email)

    answers = await asyncio.gather(first.sign_up(), second.sign_up())

    assert sorted(answer.status_code for answer in answers) == [200, 422]


async def test_a_wrong_password_and_an_unknown_email_are_told_apart_by_nobody(
    account: Account, people: People, product: Product
) -> None:
    wrong = await (await people.visitor(product, account)).sign_in("not the password")
    unknown = await (await people.stranger(product)).sign_in()

    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    assert wrong.status_code == 401


SIGN_UP = {"email": "new@example.com", "password": PASSWORD, "name": "New"}


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (json.dumps({**SIGN_UP, "password": "short"}), {400}),
        (json.dumps({**SIGN_UP, "password": "x" * 200}), {400}),
        (json.dumps({**SIGN_UP, "email": "no address"}), {400}),
        (json.dumps({**SIGN_UP, "name": "a\0b"}), {400, 422}),
        (json.dumps({**SIGN_UP, "email": "a\0b@example.com"}), {400, 422}),
        (json.dumps({**SIGN_UP, "name": 5}), {400}),
        (json.dumps({**SIGN_UP, "email": {"$ne": None}}), {400}),
        (json.dumps({**SIGN_UP, "name": "x" * 5000}), {422}),
        (json.dumps({**SIGN_UP, "email": f"{'x' * 300}@example.com"}), {400, 422}),
        (json.dumps({**SIGN_UP, "name": "x" * 70_000}), {413}),
        ("x" * 1_100_000, {413}),
        ("{}", {400}),
        ("[]", {400}),
        ("null", {400}),
        ("{", {400}),
        ("", {400}),
        ("\0", {400}),
    ],
    ids=lambda value: value[:70] if isinstance(value, str) else None,
)
async def test_a_sign_up_that_cannot_be_is_refused_and_makes_no_account(
    product: Product, people: People, body: str, statuses: set[int]
) -> None:
    client = await people.client(product)
    headers = {"content-type": "application/json"}

    answer = await client.post("/api/auth/sign-up/email", content=body, headers=headers)

    assert answer.status_code in statuses, answer.text
    assert (await client.post("/api/auth/sign-in/email", json=SIGN_UP)).status_code == 401


@pytest.mark.parametrize("path", ["/api/auth/nowhere", "/api/auth/", "/api/auth/../todos", "/api/auth/%00"])
async def test_an_unknown_address_of_sign_in_is_refused_in_plain_words(
    product: Product, people: People, path: str
) -> None:
    client = await people.client(product)

    answer = await client.get(path)

    assert 400 <= answer.status_code < 500


@pytest.fixture(scope="module")
async def closed_product(
    installation: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Closed]:
    """A product somebody joined before it was stopped and started again, closed to new people."""
    async with AsyncExitStack() as stack:
        folder = tmp_path_factory.mktemp("closed")
        product = stack.enter_context(copied_product(installation, folder))
        product.start()
        member = await People(stack).newcomer(product)
        secret = product.secret
        product.stop()
        product.start(TODO_SIGN_UP="closed")
        yield Closed(product, member, secret)


async def test_a_second_start_keeps_the_secret_and_the_sessions(closed_product: Closed) -> None:
    answer = await closed_product.member.ask("GET", "token")

    assert answer.status_code == 200
    assert closed_product.product.secret == closed_product.secret_before


async def test_a_closed_product_takes_no_new_people(closed_product: Closed, people: People) -> None:
    stranger = await people.stranger(closed_product.product)

    answer = await stranger.sign_up()

    assert answer.status_code == 400
    assert (await stranger.sign_in()).status_code == 401


async def test_a_closed_product_still_lets_its_people_in(closed_product: Closed, people: People) -> None:
    visitor = await people.visitor(closed_product.product, closed_product.member)

    answer = await visitor.sign_in()

    assert answer.status_code == 200
