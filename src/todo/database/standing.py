"""What must still be true in the database for a token to be accepted; asked in the message that begins."""

import json
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class Standing(Protocol):
    """Something that can end before the token that rests on it does."""

    def query(self) -> str:
        """Give SQL that finds one row while it lasts. It takes no parameters, so its values are literals."""
        ...


@dataclass(frozen=True)
class LiveSession:
    """The sign-in that bought the token has not ended."""

    session_id: UUID

    def query(self) -> str:
        """Look among the sessions of our own auth server."""
        return f"SELECT FROM auth.session WHERE id = '{self.session_id!s}' AND \"expiresAt\" > now()"


@dataclass(frozen=True)
class ConnectedApp:
    """The person lets the app do what the token may do: has not disconnected it, nor allowed less since."""

    user_id: UUID
    client_id: str
    scopes: frozenset[str]

    def query(self) -> str:
        """Look among what people have consented to."""
        theirs = f'"userId" = \'{self.user_id!s}\' AND "clientId" = {quoted(self.client_id)}'
        allowed = f"scopes @> {quoted(json.dumps(sorted(self.scopes)))}::jsonb"
        return f'SELECT FROM auth."oauthConsent" WHERE {theirs} AND {allowed} LIMIT 1'


@dataclass(frozen=True)
class HeldKey:
    """The API key has neither expired nor been revoked."""

    user_id: UUID
    key_id: UUID

    def query(self) -> str:
        """Look among the person's keys."""
        theirs = f"user_id = '{self.user_id!s}' AND id = '{self.key_id!s}'"
        return f"SELECT FROM api_keys WHERE {theirs} AND (expires_at IS NULL OR expires_at > now())"


def quoted(text: str) -> str:
    """Give a text as a literal; raises `ValueError` for a NUL character, which no text can hold."""
    if "\0" in text:
        raise ValueError("a text holds no NUL character")
    # An escape string means the same whatever the server's standard_conforming_strings says.
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
