"""What must still be true in the database for a token to be accepted; asked in the first message."""

import json
from dataclasses import dataclass
from typing import ClassVar, Protocol
from uuid import UUID


class Standing(Protocol):
    """Something that can end before the token that rests on it does.

    `question` is SQL that finds one row while it lasts, with `{0}`, `{1}`, … where its `values` go.
    """

    question: ClassVar[str]

    @property
    def values(self) -> tuple[str | UUID, ...]:
        """Give what it is asked with."""
        ...


def literal_query(standing: Standing) -> str:
    """Give the question as SQL without parameters, for a message that holds several statements."""
    return standing.question.format(*(quoted(str(value)) for value in standing.values))


@dataclass(frozen=True)
class LiveSession:
    """The sign-in that bought the token has not ended: it is among the sessions of our own auth server."""

    session_id: UUID
    question: ClassVar[str] = 'SELECT FROM auth.session WHERE id = {0} AND "expiresAt" > now()'

    @property
    def values(self) -> tuple[UUID]:
        """Give the session's id."""
        return (self.session_id,)


@dataclass(frozen=True)
class ConnectedApp:
    """The person lets the app do what the token may do: has not disconnected it, nor allowed less since."""

    user_id: UUID
    client_id: str
    scopes: frozenset[str]
    question: ClassVar[str] = (
        'SELECT FROM auth."oauthConsent"'
        ' WHERE "userId" = {0} AND "clientId" = {1} AND scopes @> {2}::jsonb LIMIT 1'
    )

    @property
    def values(self) -> tuple[str, ...]:
        """Give person, app, and what it has to be allowed."""
        return str(self.user_id), self.client_id, json.dumps(sorted(self.scopes))


@dataclass(frozen=True)
class HeldKey:
    """The API key has neither expired nor been revoked: it is among the person's keys."""

    user_id: UUID
    key_id: UUID
    question: ClassVar[str] = (
        "SELECT FROM api_keys WHERE user_id = {0} AND id = {1} AND (expires_at IS NULL OR expires_at > now())"
    )

    @property
    def values(self) -> tuple[UUID, UUID]:
        """Give person and key."""
        return self.user_id, self.key_id


def quoted(text: str) -> str:
    """Give a text as a literal; raises `ValueError` for a NUL character, which no text can hold."""
    if "\0" in text:
        raise ValueError("a text holds no NUL character")
    # An escape string means the same whatever the server's standard_conforming_strings says.
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
