"""Access tokens: EdDSA JWTs of one issuer for one audience."""

import re
import time
from collections import OrderedDict
from typing import Any, Literal, NamedTuple, Protocol
from uuid import UUID

import jwt

from todo.auth.user import EVERYTHING, Caller, Scope, user_id_of
from todo.problems import Unauthenticated

_LEEWAY_SECONDS = 30
# An issuer's number may be of any size; a clock counts in floats.
_LAST_MOMENT = 2**53
_LONGEST_TOKEN = 4_096
# Any text that can be written down.
_SUBJECT = re.compile(r"[^\0\ud800-\udfff]{1,255}")
_NAME = re.compile(r"[^\0\ud800-\udfff]{1,2048}")
REQUIRED = ["exp", "iat", "sub", "aud", "iss"]
_REMEMBERED = 10_000


class Keys(Protocol):
    """Public keys by their ids."""

    async def get(self, key_id: str) -> jwt.PyJWK | None:
        """Give the key, asking the issuer if it is new to us."""

    def known(self, key_id: str) -> jwt.PyJWK | None:
        """Give the key as the issuer last published it, without asking."""


class _Memory(NamedTuple):
    """Whom a token was found to speak for, and the key that proved it."""

    caller: Caller
    key_id: str
    key: jwt.PyJWK


class TokenVerifier:
    """Tells who a bearer token speaks for.

    `rests_on` is the claim that names what can be looked up and may have ended: a session of our own auth
    server, or the client of an app that was connected to it.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        issuer: str,
        audience: str,
        rests_on: Literal["sid", "client_id"] | None,
        remembered: int = _REMEMBERED,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._rests_on = rests_on
        self._remembered = remembered
        self._memories: OrderedDict[str, _Memory] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """Give the caller; raises `Unauthenticated` unless every claim holds."""
        return self._recall(token) or await self._learn(token)

    def _recall(self, token: str) -> Caller | None:
        """Give whom a token speaks for that was verified before, until it expires or its key is replaced.

        A signature costs more to verify than all the rest of a request. What the token rests on is asked by
        each transaction, remembered or not.
        """
        memory = self._memories.get(token)
        if memory is None:
            return None
        is_over = memory.caller.expires_at <= time.time() - _LEEWAY_SECONDS
        if is_over or self._keys.known(memory.key_id) is not memory.key:
            del self._memories[token]
            return None
        self._memories.move_to_end(token)
        return memory.caller

    async def _learn(self, token: str) -> Caller:
        key_id, key = await self._key_of(token)
        caller = self._verified(token, key)
        self._memories[token] = _Memory(caller, key_id, key)
        if len(self._memories) > self._remembered:
            self._memories.popitem(last=False)
        return caller

    def _verified(self, token: str, key: jwt.PyJWK) -> Caller:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(
                "The access token has expired: fetch a new one.", invalid_token=True
            ) from None
        except jwt.PyJWTError:
            raise _refused() from None
        return self._caller(claims)

    async def _key_of(self, token: str) -> tuple[str, jwt.PyJWK]:
        if len(token) > _LONGEST_TOKEN:
            raise _refused()
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError):
            raise _refused() from None
        key_id = header.get("kid")
        if header.get("alg") != "EdDSA" or not isinstance(key_id, str):
            raise _refused()
        key = await self._keys.get(key_id)
        if key is None:
            raise _refused()
        return key_id, key

    def _caller(self, claims: dict[str, Any]) -> Caller:
        subject = claims["sub"]
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise _refused()
        user_id, scopes = user_id_of(self._issuer, subject), _scopes(claims.get("scope"))
        expires_at = min(int(claims["exp"]), _LAST_MOMENT)
        if self._rests_on is None:
            # An issuer that knows nothing of our scopes has decided by naming us as audience.
            party = _name(claims.get("azp", claims.get("client_id")))
            at = _sign_in_time(claims)
            return Caller(user_id, scopes or EVERYTHING, expires_at, at, authorized_party=party)
        name = _name(claims.get(self._rests_on))
        if name is None:
            raise _refused()
        if self._rests_on == "client_id":
            return Caller(user_id, scopes, expires_at, client_id=name)
        try:
            return Caller(user_id, scopes, expires_at, _sign_in_time(claims), session_id=UUID(name))
        except ValueError:
            raise _refused() from None


def _sign_in_time(claims: dict[str, Any]) -> float | None:
    at = claims.get("auth_time")
    return None if isinstance(at, bool) or not isinstance(at, int | float) else at


def _name(claim: object) -> str | None:
    return claim if isinstance(claim, str) and _NAME.fullmatch(claim) else None


def _scopes(claim: object) -> frozenset[Scope]:
    granted = claim.split() if isinstance(claim, str) else []
    return frozenset(scope for scope in Scope if scope in granted)


def _refused() -> Unauthenticated:
    return Unauthenticated("The access token is not valid here.", invalid_token=True)
