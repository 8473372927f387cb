"""The issuer's public keys, kept fresh in the background and never forgotten because it is away."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import jwt

from todo.beside import running
from todo.problems import Unavailable

_logger = logging.getLogger(__name__)
_REFRESH_SECONDS = 600.0
_RETRY_SECONDS = 1.0
# Unknown keys ask the issuer at most so often, so that invented key ids cannot make us call it without end.
_QUESTIONS = 3
_QUESTIONS_PER_SECONDS = 10.0
_FETCH_TIMEOUT_SECONDS = 3.0
_LARGEST_ANSWER_BYTES = 256_000


class IssuerKeys:
    """Public Ed25519 keys by key id."""

    def __init__(self, url: str, transport: httpx2.AsyncBaseTransport) -> None:
        self._url = url
        # The header is for our own auth server, which counts requests by where they come from.
        self._client = httpx2.AsyncClient(
            transport=transport, timeout=_FETCH_TIMEOUT_SECONDS, headers={"x-client-ip": "127.0.0.1"}
        )
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._lock = asyncio.Lock()
        self._asked_at: deque[float] = deque(maxlen=_QUESTIONS)

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Refresh the keys in the background while open."""
        async with self._client, running(self._refresh_for_ever()):
            yield

    async def get(self, key_id: str) -> jwt.PyJWK | None:
        """Give the key, asking the issuer once if it is new to us; None when the issuer does not know it.

        Raises `Unavailable` while there has never been an answer from the issuer.
        """
        if key_id not in self._keys:
            await self._ask_again(key_id)
        if not self._keys:
            raise Unavailable("The keys of the token issuer cannot be fetched right now; try again shortly.")
        return self._keys.get(key_id)

    def known(self, key_id: str) -> jwt.PyJWK | None:
        """Give the key as the issuer last published it, without asking."""
        return self._keys.get(key_id)

    async def _ask_again(self, key_id: str) -> None:
        async with self._lock:
            if key_id not in self._keys and self._may_ask():
                await self._refresh()

    def _may_ask(self) -> bool:
        now = time.monotonic()
        if len(self._asked_at) == _QUESTIONS and now - self._asked_at[0] < _QUESTIONS_PER_SECONDS:
            return False
        self._asked_at.append(now)
        return True

    async def _refresh_for_ever(self) -> None:
        while True:
            async with self._lock:
                is_fresh = await self._refresh()
            await asyncio.sleep(_REFRESH_SECONDS if is_fresh else _RETRY_SECONDS)

    async def _refresh(self) -> bool:
        try:
            response = await self._client.get(self._url)
            response.raise_for_status()
            keys = _signing_keys(response)
        except (httpx2.HTTPError, ValueError, TypeError, AttributeError, jwt.PyJWTError) as error:
            _logger.warning("token keys not refreshed, keeping %d: %s", len(self._keys), type(error).__name__)
            return False
        if not keys:
            _logger.warning("the token issuer publishes no Ed25519 key: tokens must be signed with EdDSA")
            return False
        self._keys = keys
        return True


def _signing_keys(response: httpx2.Response) -> dict[str, jwt.PyJWK]:
    if len(response.content) > _LARGEST_ANSWER_BYTES:
        raise ValueError("the key set is too large")
    return {
        entry["kid"]: jwt.PyJWK(entry, algorithm="EdDSA")
        for entry in response.json().get("keys", [])
        if entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519" and entry.get("kid")
    }
