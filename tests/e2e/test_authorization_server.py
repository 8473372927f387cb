"""The official conformance suite for authorization servers, on the really started product."""

import httpx2

from tests.clients.node import CONFORMANCE
from tests.e2e.apps import Browser
from tests.e2e.people import Account
from tests.e2e.product import Product, free_port


async def test_apps_get_their_tokens_as_oauth_says(
    product: Product, account: Account, browser: Browser
) -> None:
    port = free_port()
    app = {"redirect_uris": [f"http://127.0.0.1:{port}/callback"], "token_endpoint_auth_method": "none"}
    registered = await account.client.post("/api/auth/oauth2/register", json=app)

    async def consent(line: str) -> None:
        if line.startswith(f"{product.origin}/"):
            async with httpx2.AsyncClient() as client:
                await client.get(await browser.visit(line.strip()))

    finished = await CONFORMANCE.run(
        *("authorization", "--url", product.origin, "--resource", f"{product.origin}/mcp"),
        *("--client-id", registered.json()["client_id"], "--port", str(port)),
        on_line=consent,
    )

    assert finished.exit_code == 0, finished.output
    assert "Total: 3 passed, 0 failed" in finished.output
    assert len(browser.asked) == 1
