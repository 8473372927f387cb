"""An app that has published who it is connects, in a network where its address is this machine's."""

import asyncio
import json
import ssl
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from cryptography import x509

from tests.agents import text_of
from tests.e2e.apps import CALLBACK, App, Browser
from tests.e2e.certificates import self_signed
from tests.e2e.people import People
from tests.e2e.product import copied_product

# The service goes to no address that is not everybody's; in this network it is ours.
HOST, ADDRESS = "agent.example", "93.184.215.14"
DOCUMENT = f"https://{HOST}/app.json"


async def connect_published_app(installation: Path, folder: Path) -> dict[str, object]:
    """Start the product and connect; give what is worth knowing about how it went."""
    certificate, key = self_signed(x509.DNSName(HOST))
    authority, secret = folder / "server.crt", folder / "server.key"
    authority.write_bytes(certificate)
    secret.write_bytes(key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority, secret)
    visits: list[str] = []

    async def publish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        visits.append(asked.decode().splitlines()[0])
        about = json.dumps(_about_itself()).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(about)}\r\n\r\n"
        writer.write(head.encode() + about)
        await writer.drain()
        writer.close()

    settings = {"NODE_EXTRA_CA_CERTS": str(authority)}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(await asyncio.start_server(publish, ADDRESS, 443, ssl=tls))
        product = stack.enter_context(copied_product(installation, folder / "product", settings))
        await asyncio.to_thread(product.start)
        people = People(stack)
        account = await people.newcomer(product)
        browser = await Browser.of(product, account, people)
        app = App(product, account, browser, document=DOCUMENT)
        async with app.connected() as agent:
            answer = text_of(await agent.call_tool("whoami", {}))
        registration = await app.get_client_info()
        consents = await browser.open("/api/auth/oauth2/get-consents")
        return {
            "visits": visits,
            "client_id": registration and registration.client_id,
            "whoami": answer,
            "consents": [consent["clientId"] for consent in consents.json()],
        }


def _about_itself() -> dict[str, object]:
    return {
        "client_id": DOCUMENT,
        "client_name": "A published agent",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(connect_published_app(Path(sys.argv[1]), Path(sys.argv[2])))))  # noqa: T201  # read by the test
