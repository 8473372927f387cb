"""Who gets in with a token, and who does not."""

import asyncio
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import OKPAlgorithm

from tests.factories import AUDIENCE, Issuer, Person, Service
from todo.auth.user import user_id_of


class FromNow(int):
    """Seconds from when the token is made."""


@pytest.fixture
async def worker(service: Service) -> AsyncIterator[Service]:
    """A worker that has just started, and remembers nothing of other tests."""
    async with service.another() as worker:
        yield worker


def encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def at_this_moment(claims: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    return {name: now + value if isinstance(value, FromNow) else value for name, value in claims.items()}


async def status_with(service: Service, authorization: str | bytes) -> int:
    raw = authorization if isinstance(authorization, bytes) else authorization.encode()
    response = await service.client.get("/api/todos", headers=[(b"authorization", raw)])
    assert response.status_code == 200 or response.json()["error_code"] == "unauthenticated"
    return response.status_code


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "http://testserver/mcp"},
        {"aud": None},
        {"aud": []},
        {"exp": FromNow(-60)},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": [FromNow(600)]},
        {"iat": FromNow(60)},
        {"iat": None},
        {"iat": float("nan")},
        {"nbf": FromNow(60)},
        {"nbf": float("inf")},
        {"sub": None},
        {"sub": ""},
        {"sub": "a\0b"},
        {"sub": "half a pair \ud800"},
        {"sub": "x" * 256},
        {"sub": "x" * 10_000},
        {"sub": 7},
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(service: Service, claims: dict[str, Any]) -> None:
    token = service.issuer.token(**{"subject": str(uuid4()), **at_this_moment(claims)})

    assert await status_with(service, f"Bearer {token}") == 401


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a.b.c",
        "Bearer ..",
        f"Bearer {encoded(b'[' * 2_500)}.e30.AAAA",
        f"Bearer {encoded(b'9' * 2_500)}.e30.AAAA",
        "Basic YTpi",
        "Token x",
        b"Bearer \xff\xfe",
        "Bearer " + "x" * 100_000,
    ],
)
async def test_what_is_no_bearer_token_is_refused(service: Service, authorization: str | bytes) -> None:
    assert await status_with(service, authorization) == 401


def forged(issuer: Issuer, kind: str) -> str:
    now = int(time.time())
    payload = {"iss": issuer.url, "aud": AUDIENCE, "sub": str(uuid4()), "iat": now, "exp": now + 600}
    known = {"kid": issuer.key_id}
    public = issuer.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    foreign = Ed25519PrivateKey.generate()
    brought = {"jwk": OKPAlgorithm.to_jwk(foreign.public_key(), as_dict=True)}
    elsewhere = {"jku": f"{issuer.url}/mine", "x5u": f"{issuer.url}/mine"}
    signed: dict[str, tuple[Any, str, dict[str, Any]]] = {
        "no algorithm": ("", "none", known),
        "public key as a shared secret": (public, "HS256", known),
        "foreign key": (foreign, "EdDSA", known),
        "key it brings along": (foreign, "EdDSA", known | brought),
        "key somewhere else": (foreign, "EdDSA", known | elsewhere),
        "unknown key id": (issuer.key, "EdDSA", {"kid": "../../etc/passwd"}),
        "no key id": (issuer.key, "EdDSA", {}),
        "demand we do not know": (issuer.key, "EdDSA", known | {"crit": ["exp2"]}),
        "altered signature": (issuer.key, "EdDSA", known),
    }
    key, algorithm, headers = signed[kind]
    token = jwt.encode(payload, key, algorithm=algorithm, headers=headers)
    if kind == "altered signature":
        token = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
    return token


@pytest.mark.parametrize(
    "kind",
    [
        "no algorithm",
        "public key as a shared secret",
        "foreign key",
        "unknown key id",
        "no key id",
        "key it brings along",
        "key somewhere else",
        "demand we do not know",
        "altered signature",
    ],
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_forged_token_is_refused(service: Service, kind: str) -> None:
    assert await status_with(service, f"Bearer {forged(service.issuer, kind)}") == 401


@pytest.mark.parametrize("claims", [{"exp": FromNow(-10)}, {"iat": FromNow(10), "exp": FromNow(610)}])
async def test_clocks_may_differ_by_some_seconds(service: Service, claims: dict[str, int]) -> None:
    token = service.issuer.token(str(uuid4()), **at_this_moment(claims))

    assert await status_with(service, f"Bearer {token}") == 200


async def test_the_scheme_is_read_in_any_case(service: Service, alice: Person) -> None:
    assert await status_with(service, f"bEARER {alice.token}") == 200


async def test_people_without_a_uuid_have_todos_of_their_own(service: Service) -> None:
    carol, dave = service.person("auth0|carol"), service.person("auth0|dave")

    todo = await carol.make_todo()

    assert (await service.person("auth0|carol").get(f"/api/todos/{todo['id']}")).status_code == 200
    assert (await dave.get(f"/api/todos/{todo['id']}")).status_code == 403


def test_a_subject_that_is_a_uuid_is_the_user_id() -> None:
    subject = uuid4()

    assert user_id_of("https://issuer.example", str(subject)) == subject


@pytest.mark.parametrize("subject", ["me@example.com", "7", UUID(int=7).hex, f"{{{UUID(int=7)}}}"])
def test_any_other_subject_gives_an_id_that_depends_on_the_issuer(subject: str) -> None:
    one, other = user_id_of("https://one.example", subject), user_id_of("https://other.example", subject)

    assert one == user_id_of("https://one.example", subject)
    assert len({one, other, UUID(int=7)}) == 3


async def test_a_rotated_key_is_accepted_at_once_and_the_old_one_stays(worker: Service) -> None:
    old_token = worker.issuer.token(str(uuid4()))
    assert await status_with(worker, f"Bearer {old_token}") == 200
    worker.issuer.rotate()

    assert await status_with(worker, f"Bearer {worker.issuer.token(str(uuid4()))}") == 200
    assert await status_with(worker, f"Bearer {old_token}") == 200


async def test_keys_stay_known_while_the_issuer_is_away(worker: Service) -> None:
    alice = worker.person()
    assert (await alice.get("/api/todos")).status_code == 200

    with worker.issuer.away():
        assert await status_with(worker, f"Bearer {forged(worker.issuer, 'unknown key id')}") == 401
        assert (await alice.get("/api/todos")).status_code == 200


async def test_invented_key_ids_hardly_make_us_call_the_issuer(worker: Service) -> None:
    assert (await worker.person().get("/api/todos")).status_code == 200
    worker.issuer.calls = 0

    for n in range(50):
        token = jwt.encode({}, worker.issuer.key, algorithm="EdDSA", headers={"kid": f"invented-{n}"})
        assert await status_with(worker, f"Bearer {token}") == 401

    assert worker.issuer.calls <= 3


async def test_before_the_first_key_arrives_the_answer_is_503_and_then_it_works(service: Service) -> None:
    with service.issuer.away():
        async with service.another() as worker:
            alice = worker.person()
            early = await alice.get("/api/todos")
            service.issuer.back()
            later = await until_answered(alice)

    assert (early.status_code, early.json()["error_code"]) == (503, "unavailable")
    assert later == 200


async def until_answered(person: Person) -> int:
    async with asyncio.timeout(10):
        status = 503
        while status == 503:
            status = (await person.get("/api/todos")).status_code
    return status
