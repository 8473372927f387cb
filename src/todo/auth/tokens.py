"""Access tokens: EdDSA JWTs of one issuer for one audience."""

from uuid import UUID

import jwt

from todo.auth.keys import IssuerKeys
from todo.auth.user import Caller, user_id_of
from todo.problems import Unauthenticated

_LEEWAY_SECONDS = 30
_LONGEST_TOKEN = 4_096
_LONGEST_SUBJECT = 255
_REQUIRED = ["exp", "iat", "sub", "aud", "iss"]


class TokenVerifier:
    """Tells who a bearer token speaks for."""

    def __init__(self, keys: IssuerKeys, *, issuer: str, audience: str, needs_session: bool) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._needs_session = needs_session

    async def verify(self, token: str) -> Caller:
        """Give the caller; raises `Unauthenticated` unless every claim holds."""
        key = await self._key_of(token)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(
                "The access token has expired: fetch a new one.", invalid_token=True
            ) from None
        except jwt.PyJWTError:
            raise _refused() from None
        return self._caller(claims)

    async def _key_of(self, token: str) -> jwt.PyJWK:
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
        return key

    def _caller(self, claims: dict[str, object]) -> Caller:
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or "\0" in subject:
            raise _refused()
        session_id = None
        if self._needs_session:
            try:
                session_id = UUID(str(claims.get("sid")))
            except ValueError:
                raise _refused() from None
        authenticated_at = claims.get("auth_time")
        if isinstance(authenticated_at, bool) or not isinstance(authenticated_at, int | float):
            authenticated_at = None
        return Caller(user_id_of(self._issuer, subject), session_id, authenticated_at)


def _refused() -> Unauthenticated:
    return Unauthenticated("The access token is not valid here.", invalid_token=True)
