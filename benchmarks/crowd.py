"""The people as their clients know them: with tokens, and with todos they have seen."""

import base64
import random
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.population import Population

# Longer than the ten minutes of the product's own, so that a run needs them once.
_GOOD_FOR_SECONDS = 6 * 3600
_SEEN = 400_000


@dataclass(frozen=True)
class Seen:
    """A todo that somebody has seen in a list."""

    owner: int
    id: UUID
    is_completed: bool


@dataclass
class Crowd:
    """Everybody's `Authorization` header, by contender, and todos to ask for."""

    headers: dict[str, list[bytes]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)


class Signer:
    """Signs access tokens as the product's auth server does, with a key of its own published there."""

    def __init__(self) -> None:
        self.key_id = uuid4()
        self._key = Ed25519PrivateKey.generate()

    @property
    def public_key(self) -> str:
        """Give the public half as the auth server stores it."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return f'{{"crv":"Ed25519","x":"{x}","kty":"OKP"}}'

    def tokens(self, population: Population, origin: str) -> list[str]:
        """Give everybody an access token that rests on their session."""
        return [
            jwt.encode(
                {
                    **_claims(str(person.id)),
                    "iss": origin,
                    "aud": f"{origin}/api",
                    "sid": str(person.session_id),
                    "scope": "todo:read todo:write",
                },
                self._key,
                algorithm="EdDSA",
                headers={"kid": str(self.key_id)},
            )
            for person in population.people
        ]


def shared_secret_tokens(population: Population, secret: str) -> list[str]:
    """Give everybody a token as the official template signs them."""
    return [jwt.encode(_claims(str(person.id)), secret, algorithm="HS256") for person in population.people]


def header(token: str) -> bytes:
    """Give the header that carries a token."""
    return f"Authorization: Bearer {token}\r\n".encode()


def gathered(population: Population, tokens: dict[str, list[str]]) -> Crowd:
    """Gather every other light user; what they have seen is a sample of what they have outside the trash.

    The others are left to pgbench: whoever completes a todo must find it open.
    """
    seen = [
        Seen(row.owner, row.id, row.completed_at is not None)
        for row in population.todos()
        if row.owner % 2 and row.deleted_at is None
    ]
    random.Random(1).shuffle(seen)  # noqa: S311  # to be the same each time
    headers = {name: [header(token) for token in theirs] for name, theirs in tokens.items()}
    return Crowd(headers, seen[:_SEEN])


def _claims(subject: str) -> dict[str, Any]:
    now = int(time.time())
    return {"sub": subject, "iat": now, "exp": now + _GOOD_FOR_SECONDS}
