"""A token is verified once and remembered, and is never accepted for longer because of that."""

import time
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from tests.e2e.waiting import until
from todo.auth.tokens import TokenVerifier
from todo.problems import Unauthenticated

ISSUER, AUDIENCE, KEY_ID = "https://issuer.example", "https://todo.example/api", "first"
_LEEWAY_SECONDS = 30


class PublishedKeys:
    """One key, and how often somebody asked for it in order to verify with it."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.asked = 0
        self.publish()

    def publish(self) -> None:
        """Publish the key, as each refreshing does."""
        entry = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        self.published: jwt.PyJWK | None = jwt.PyJWK(entry, algorithm="EdDSA")

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        subject = str(uuid4())
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now - 600,
            "exp": now + 600,
            **claims,
        }
        return jwt.encode(payload, self.private, algorithm="EdDSA", headers={"kid": KEY_ID})

    async def get(self, _key_id: str) -> jwt.PyJWK | None:
        self.asked += 1
        return self.published

    def known(self, _key_id: str) -> jwt.PyJWK | None:
        return self.published


@pytest.fixture
def keys() -> PublishedKeys:
    """What the issuer publishes."""
    return PublishedKeys()


def verifier_of(keys: PublishedKeys, remembered: int = 10) -> TokenVerifier:
    return TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, rests_on=None, remembered=remembered)


async def test_a_token_that_was_verified_is_not_verified_again(keys: PublishedKeys) -> None:
    verifier, token = verifier_of(keys), keys.token()

    callers = [await verifier.verify(token) for _ in range(3)]

    assert callers[0] == callers[1] == callers[2]
    assert keys.asked == 1


async def test_each_token_speaks_for_its_own_person(keys: PublishedKeys) -> None:
    verifier, tokens = verifier_of(keys), [keys.token(), keys.token()]

    callers = [await verifier.verify(token) for token in tokens * 2]

    assert callers[0] == callers[2] != callers[1] == callers[3]


async def test_what_was_refused_is_refused_again(keys: PublishedKeys) -> None:
    verifier, token = verifier_of(keys), keys.token(aud="https://elsewhere.example")

    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)


async def test_a_remembered_token_ends_when_it_expires(keys: PublishedKeys) -> None:
    verifier, token = verifier_of(keys), keys.token(exp=int(time.time()) - _LEEWAY_SECONDS + 2)
    await verifier.verify(token)

    async def is_refused() -> bool:
        return not await is_accepted(verifier, token)

    await until(is_refused, "the token is refused")


async def is_accepted(verifier: TokenVerifier, token: str) -> bool:
    try:
        await verifier.verify(token)
    except Unauthenticated:
        return False
    return True


async def test_a_remembered_token_ends_when_its_key_is_withdrawn(keys: PublishedKeys) -> None:
    verifier, token = verifier_of(keys), keys.token()
    await verifier.verify(token)

    keys.published = None

    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_a_key_that_was_published_anew_verifies_anew(keys: PublishedKeys) -> None:
    verifier, token = verifier_of(keys), keys.token()
    await verifier.verify(token)

    keys.publish()
    await verifier.verify(token)

    assert keys.asked == 2


async def test_only_so_many_are_remembered_and_the_least_used_goes(keys: PublishedKeys) -> None:
    verifier = verifier_of(keys, remembered=2)
    used, unused, new = keys.token(), keys.token(), keys.token()
    for token in (used, unused, used, new):
        await verifier.verify(token)
    assert keys.asked == 3

    await verifier.verify(used)
    assert keys.asked == 3
    await verifier.verify(unused)
    assert keys.asked == 4
