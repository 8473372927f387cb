"""API keys: what a program of a person's own signs in with, without a browser and without refreshing."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

PREFIX = "todo_"
_SECRET_BYTES = 24
_SHOWN = 4


@dataclass(frozen=True)
class ApiKey:
    """A key as its owner holds it. It names its person, so that it can be looked up among theirs alone."""

    user_id: UUID
    secret: bytes

    @classmethod
    def new(cls, user_id: UUID) -> "ApiKey":
        """Make a key that nobody can guess."""
        return cls(user_id, secrets.token_bytes(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "ApiKey | None":
        """Read a key; None when the text is none."""
        try:
            raw = base64.b64decode(text.removeprefix(PREFIX) + "==", altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        if not text.startswith(PREFIX) or len(raw) != len(UUID(int=0).bytes) + _SECRET_BYTES:
            return None
        return cls(UUID(bytes=raw[:-_SECRET_BYTES]), raw[-_SECRET_BYTES:])

    @property
    def digest(self) -> bytes:
        """What is stored of it. One round of a fast hash: there is nothing to guess in 192 random bits."""
        return hashlib.sha256(self.user_id.bytes + self.secret).digest()

    @property
    def hint(self) -> str:
        """Its end, by which its owner tells it from others."""
        return str(self)[-_SHOWN:]

    def __str__(self) -> str:
        return PREFIX + base64.urlsafe_b64encode(self.user_id.bytes + self.secret).rstrip(b"=").decode()

    def __repr__(self) -> str:
        return f"<ApiKey …{self.hint}>"
