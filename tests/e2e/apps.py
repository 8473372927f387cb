"""Apps that people connect: the official MCP client, which finds its own way in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.e2e.people import Account, People, addresses
from tests.e2e.product import Product

CALLBACK = "http://127.0.0.1:3000/callback"


class Browser:
    """A browser in which a person is signed in, who consents to what apps ask for."""

    def __init__(self, product: Product, client: httpx2.AsyncClient) -> None:
        self.asked: list[str] = []
        self.granted: str | None = None
        self._origin = product.origin
        self._client = client

    @classmethod
    async def of(cls, product: Product, account: Account, people: People) -> "Browser":
        """Give a browser in which somebody has signed in."""
        client = await people.browser(product)
        wanted = {"email": account.email, "password": account.password}
        assert (await client.post("/api/auth/sign-in/email", json=wanted)).status_code == 200
        return cls(product, client)

    async def visit(self, url: str) -> str:
        """Go where an app sends its person, read, and consent; give the address that leads back."""
        while url.startswith((self._origin, "/")):
            page = urlsplit(url.removeprefix(self._origin))
            url = await (
                self._consent(page.query) if page.path == "/consent" else self._follow(page.geturl())
            )
        return url

    async def open(self, url: str) -> httpx2.Response:
        """Go somewhere, and see what is there."""
        return await self._client.get(url)

    async def _follow(self, url: str) -> str:
        shown = await self.open(url)
        assert shown.is_redirect, shown.text
        location: str = shown.headers["location"]
        return location

    async def _consent(self, query: str) -> str:
        self.asked.append(parse_qs(query)["scope"][0])
        granted = {"scope": self.granted} if self.granted else {}
        consent = {"accept": True, "oauth_query": query, **granted}
        answer = await self._client.post("/api/auth/oauth2/consent", json=consent)
        assert answer.status_code == 200, answer.text
        location: str = answer.json()["url"]
        return location


class App:
    """What an app keeps on its machine, and the browser that it sends its person to.

    It registers with the server, or has published a document about itself at an address.
    """

    def __init__(
        self, product: Product, person: Account, browser: Browser, *, document: str | None = None
    ) -> None:
        self.product = product
        self.person = person
        self.browser = browser
        self._document = document
        self._tokens: OAuthToken | None = None
        self._registration: OAuthClientInformationFull | None = None
        self._answer: AuthorizationCodeResult | None = None

    @asynccontextmanager
    async def connected(self, mode: str = "auto") -> AsyncIterator[Client]:
        """Speak MCP, signing in and asking for consent when the server demands it."""
        network = httpx2.AsyncHTTPTransport(local_address=next(addresses))
        async with (
            httpx2.AsyncClient(auth=self._sign_in(), transport=network, timeout=30) as http,
            Client(
                streamable_http_client(f"{self.product.origin}/mcp", http_client=http), mode=mode
            ) as agent,
        ):
            yield agent

    async def get_tokens(self) -> OAuthToken | None:
        return self._tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self._tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self._registration

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self._registration = client_info

    @property
    def access_token(self) -> str:
        assert self._tokens is not None
        return self._tokens.access_token

    async def knock(self) -> httpx2.Response:
        """Send a message with the access token, and nothing of what a client would do if that fails."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        bearer = {"authorization": f"Bearer {self.access_token}"}
        return await self.person.client.post("/mcp", json=message, headers=bearer)

    async def refresh(self) -> httpx2.Response:
        """Buy a new access token with the refresh token."""
        assert self._tokens is not None
        assert self._registration is not None
        wanted = {
            "grant_type": "refresh_token",
            "refresh_token": self._tokens.refresh_token,
            "resource": f"{self.product.origin}/mcp",
        }
        me = httpx2.BasicAuth(str(self._registration.client_id), str(self._registration.client_secret))
        return await self.person.client.post("/api/auth/oauth2/token", data=wanted, auth=me)

    def _sign_in(self) -> OAuthClientProvider:
        metadata = OAuthClientMetadata(
            client_name="Some agent",
            redirect_uris=[CALLBACK],
        )
        return OAuthClientProvider(
            f"{self.product.origin}/mcp",
            metadata,
            self,
            self._send_person,
            self._take_answer,
            client_metadata_url=self._document,
        )

    async def _send_person(self, url: str) -> None:
        answer = parse_qs(urlsplit(await self.browser.visit(url)).query)
        self._answer = AuthorizationCodeResult(
            code=answer["code"][0], state=answer["state"][0], iss=answer.get("iss", [None])[0]
        )

    async def _take_answer(self) -> AuthorizationCodeResult:
        assert self._answer is not None
        return self._answer
