"""Who is asking."""

from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5


@dataclass(frozen=True)
class Caller:
    """The person behind a verified token, the session it was issued in, and when they signed in."""

    user_id: UUID
    session_id: UUID | None
    authenticated_at: float | None = None  # seconds since 1970; None when the token does not say


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
