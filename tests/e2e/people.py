"""The people who use it, each at a network address of their own."""

import base64
import hmac
import itertools
import struct
import time
from contextlib import AsyncExitStack, ExitStack, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx2
import jwt
import psutil

from tests.e2e.product import Product
from tests.e2e.waiting import until
from tests.factories import Person

PASSWORD = "correct horse battery"  # noqa: S105  # of people who do not exist
_TIMEOUT_SECONDS = 30.0
# Failed sign-ins are counted by address, so everybody has one; 127.0.0.1 is left to those who forge theirs.
addresses = (f"127.0.{third}.{fourth}" for third in itertools.count(1) for fourth in range(1, 255))


class Account:
    """Somebody with an e-mail address, a password, and the session they last opened."""

    def __init__(self, client: httpx2.AsyncClient, email: str, password: str = PASSWORD) -> None:
        self.client = client
        self.email = email
        self.password = password
        self.session = ""

    async def sign_up(self) -> httpx2.Response:
        wanted = {"email": self.email, "password": self.password, "name": "Somebody"}
        return self._enter(await self.client.post("/api/auth/sign-up/email", json=wanted))

    async def sign_in(self, password: str | None = None, **options: object) -> httpx2.Response:
        wanted = {"email": self.email, "password": password or self.password, **options}
        return self._enter(await self.client.post("/api/auth/sign-in/email", json=wanted))

    async def ask(self, method: str, action: str, **options: object) -> httpx2.Response:
        """Ask the auth server for something, in the own session."""
        headers = {"authorization": f"Bearer {self.session}"}
        return await self.client.request(method, f"/api/auth/{action}", headers=headers, json=options or None)

    async def use_second_factor(self) -> str:
        """Have codes asked for from now on, and give the secret that they are made from."""
        begun = (await self.ask("POST", "two-factor/enable", password=self.password)).json()
        secret: str = parse_qs(urlsplit(begun["totpURI"]).query)["secret"][0]
        answer = self._enter(await self.ask("POST", "two-factor/verify-totp", code=code_of(secret)))
        assert answer.status_code == 200, answer.text
        return secret

    async def token(self) -> str:
        """Fetch an access token."""
        answer = await self.ask("GET", "token")
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["token"]
        return token

    async def person(self) -> Person:
        """Fetch an access token, and be the person it speaks for."""
        token = await self.token()
        return Person(self.client, token, subject_of(token))

    def _enter(self, answer: httpx2.Response) -> httpx2.Response:
        if answer.status_code == 200:
            self.session = answer.json()["token"]
        return answer


class People:
    """Gives clients and people, and closes their connections at the end."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def client(self, product: Product, *, address: str | None = None) -> httpx2.AsyncClient:
        """Give a client that keeps no cookies, as programs do."""
        return await self._open(product, CookieJar(DefaultCookiePolicy(allowed_domains=[])), address)

    async def clients_of_all_workers(self, product: Product) -> list[httpx2.AsyncClient]:
        """Open connections until every worker has taken one in, and give their clients."""
        clients: list[httpx2.AsyncClient] = []

        async def is_shared() -> bool:
            # Those who have one stand still meanwhile, for whoever wakes first would take each.
            workers = product.workers()
            busy = [worker for worker in workers if product.is_connected(worker)]
            with suppress(psutil.NoSuchProcess), ExitStack() as stack:
                for worker in busy if len(busy) < len(workers) else ():
                    worker.suspend()
                    stack.callback(worker.resume)
                clients.append(await self.client(product))
                await clients[-1].get("/health/live")
            return all(map(product.is_connected, product.workers()))

        await until(is_shared, "every worker has taken in a connection")
        return clients

    async def browser(self, product: Product) -> httpx2.AsyncClient:
        """Give a client that keeps cookies and names its origin, as a page of ours does."""
        client = await self._open(product, CookieJar())
        client.headers["origin"] = product.origin
        return client

    async def stranger(self, product: Product, name: str = "somebody") -> Account:
        """Give somebody who has not signed up."""
        return Account(await self.client(product), f"{name}-{uuid4().hex}@example.com")

    async def newcomer(self, product: Product, name: str = "somebody") -> Account:
        """Give somebody who has just signed up."""
        account = await self.stranger(product, name)
        answer = await account.sign_up()
        assert answer.status_code == 200, answer.text
        return account

    async def visitor(self, product: Product, account: Account) -> Account:
        """Give the same somebody at another device, not signed in there."""
        return Account(await self.client(product), account.email, account.password)

    async def again(self, product: Product, account: Account) -> Account:
        """Give the same somebody at another device, signed in there."""
        other = await self.visitor(product, account)
        answer = await other.sign_in()
        assert answer.status_code == 200, answer.text
        return other

    async def _open(
        self, product: Product, cookies: CookieJar, address: str | None = None
    ) -> httpx2.AsyncClient:
        transport = httpx2.AsyncHTTPTransport(local_address=address or next(addresses))
        client = httpx2.AsyncClient(
            transport=transport, base_url=product.address, cookies=cookies, timeout=_TIMEOUT_SECONDS
        )
        return await self._stack.enter_async_context(client)


def subject_of(token: str) -> str:
    subject: str = claims_of(token)["sub"]
    return subject


def claims_of(token: str) -> dict[str, str]:
    """Read a token without checking it."""
    claims: dict[str, str] = jwt.decode(token, options={"verify_signature": False})
    return claims


def code_of(secret: str) -> str:
    """Give the code of this half minute, as an authenticator app does (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    offset = digest[-1] & 0x0F
    return f"{(struct.unpack_from('>I', digest, offset)[0] & 0x7FFFFFFF) % 1_000_000:06}"
