"""An app that speaks OAuth by hand, so that a test can say one thing wrong."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from tests.e2e.product import Product

CALLBACK = "http://127.0.0.1:3000/callback"
EVERYTHING = "todo:read todo:write offline_access"
_VERIFIER = "a-verifier-that-is-long-enough-for-anybody-to-be-content"


class Client:
    """A public client; its requests come from a network address of its own."""

    def __init__(self, product: Product, http: httpx2.AsyncClient, client_id: str, redirect_uri: str) -> None:
        self.product = product
        self.client_id = client_id
        self.redirect_uri = redirect_uri
        self._http = http

    @classmethod
    async def registered(
        cls,
        product: Product,
        http: httpx2.AsyncClient,
        *,
        name: str = "Some agent",
        redirect_uri: str = CALLBACK,
    ) -> "Client":
        """Register anew."""
        answer = await register(http, name, redirect_uri)
        assert answer.status_code in {200, 201}, answer.text
        return cls(product, http, answer.json()["client_id"], redirect_uri)

    def question(self, **changed: str | None) -> str:
        """Give the address that a browser is sent to; what is None is left out."""
        digest = base64.urlsafe_b64encode(hashlib.sha256(_VERIFIER.encode()).digest())
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": EVERYTHING,
            "state": "a state",
            "resource": f"{self.product.origin}/mcp",
            "code_challenge": digest.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "prompt": "consent",
            **changed,
        }
        kept = {name: value for name, value in asked.items() if value is not None}
        return f"{self.product.origin}/api/auth/oauth2/authorize?{urlencode(kept)}"

    async def redeem(self, code: str, **changed: str) -> httpx2.Response:
        """Buy tokens with a code."""
        wanted = {"code": code, "redirect_uri": self.redirect_uri, "code_verifier": _VERIFIER}
        return await self._token("authorization_code", **{**wanted, **changed})

    async def refresh(self, token: str, **changed: str) -> httpx2.Response:
        """Buy tokens with a refresh token."""
        return await self._token("refresh_token", refresh_token=token, **changed)

    async def list_tools(self, access_token: str) -> httpx2.Response:
        """Speak MCP with a token, as far as asking which tools there are."""
        return await self._speak(access_token, "tools/list", {})

    async def create_todo(self, access_token: str) -> httpx2.Response:
        """Change something with a token."""
        call = {"name": "create_todos", "arguments": {"todos": [{"title": "By an app"}]}}
        return await self._speak(access_token, "tools/call", call)

    async def _token(self, grant_type: str, **wanted: str) -> httpx2.Response:
        usual = {"client_id": self.client_id, "resource": f"{self.product.origin}/mcp"}
        data = {"grant_type": grant_type, **usual, **wanted}
        return await self._http.post("/api/auth/oauth2/token", data=data)

    async def _speak(self, access_token: str, method: str, params: dict[str, Any]) -> httpx2.Response:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {
            "authorization": f"Bearer {access_token}",
            "accept": "application/json, text/event-stream",
        }
        return await self._http.post("/mcp", json=message, headers=headers)


async def register(http: httpx2.AsyncClient, name: str, redirect_uri: str) -> httpx2.Response:
    wanted = {
        "client_name": name,
        "redirect_uris": [redirect_uri],
        "token_endpoint_auth_method": "none",
    }
    return await http.post("/api/auth/oauth2/register", json=wanted)


def answer_in(address: str) -> dict[str, str]:
    """Read what an app is told at its redirect address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
