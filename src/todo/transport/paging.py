"""Cursors: opaque to the caller, signed for one person and one question."""

import base64
import binascii
import functools
import hashlib
import hmac
from uuid import UUID

from todo.problems import ValidationFailed

_TAG_BYTES = 16


class CursorSigner:
    """Writes and reads the cursors of one person."""

    def __init__(self, secret: bytes, user_id: UUID) -> None:
        self._secret = secret
        self._user_id = user_id

    def write(self, position: str, question: str) -> str:
        """Give the cursor that continues `question` after `position`."""
        payload = position.encode()
        return base64.urlsafe_b64encode(self._tag(payload, question) + payload).rstrip(b"=").decode()

    def read(self, cursor: str, question: str, name: str = "cursor") -> str:
        """Give the position back; `name` is the parameter a refusal points at.

        Raises `ValidationFailed` when the cursor was altered, or written for another person or question.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raw = b""
        tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not (
            hmac.compare_digest(tag, self._tag(payload, question))
            or hmac.compare_digest(tag, self._former_tag(payload, question))
        ):
            raise ValidationFailed(
                errors=[
                    {
                        "location": "query",
                        "pointer": f"/{name}",
                        "code": "invalid_cursor",
                        "detail": "was altered, or belongs to other filters, another sort or another person",
                    }
                ]
            )
        return payload.decode()

    def _tag(self, payload: bytes, question: str) -> bytes:
        asked = question.encode()
        what = self._user_id.bytes + len(asked).to_bytes(4) + asked + payload
        return hashlib.blake2b(what, digest_size=_TAG_BYTES, key=_key(self._secret)).digest()

    def _former_tag(self, payload: bytes, question: str) -> bytes:
        """Give the tag of before, for a token to follow changes by is good for 30 days."""
        digest = hashlib.sha256(question.encode()).digest()
        key = hmac.digest(self._secret, b"cursor" + self._user_id.bytes, hashlib.sha256)
        return hmac.digest(key, digest + payload, hashlib.sha256)[:_TAG_BYTES]


@functools.lru_cache(maxsize=1)
def _key(secret: bytes) -> bytes:
    return hashlib.blake2b(secret, person=b"todo cursor").digest()
