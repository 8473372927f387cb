"""Who is asking."""

import math
from dataclasses import dataclass
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5


class Scope(StrEnum):
    """What a caller may do with the person's todos."""

    READ = "todo:read"
    WRITE = "todo:write"


EVERYTHING = frozenset(Scope)


@dataclass(frozen=True)
class Caller:
    """The person behind a verified token, what the token may do, and what it rests on.

    One of the person's own clients has a session, an app they connected a client id, a program an API key; a
    token of an outside issuer has none of them, but may name the client it was given to. The name of an app
    or a key is what people call it. Times are in Unix seconds: the token's end,
    infinite for a key, and when the person signed in, if it says so.
    """

    user_id: UUID
    scopes: frozenset[Scope] = EVERYTHING
    expires_at: float = math.inf
    authenticated_at: float | None = None
    session_id: UUID | None = None
    client_id: str | None = None
    key_id: UUID | None = None
    authorized_party: str | None = None
    client_name: str | None = None

    @property
    def is_delegate(self) -> bool:
        """Whether this is an app or a program that acts for the person."""
        return self.client_id is not None or self.key_id is not None


def user_id_of(issuer: str, subject: str) -> UUID:
    """Give the subject where it is a UUID in its usual form, else one derived from issuer and subject.

    Never from an e-mail address: those change hands.
    """
    try:
        user_id = UUID(subject)
    except ValueError:
        user_id = None
    if user_id is not None and str(user_id) == subject.lower():
        return user_id
    return uuid5(uuid5(NAMESPACE_URL, issuer), subject)
