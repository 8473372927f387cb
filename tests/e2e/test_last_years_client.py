"""The official Python client of the 1.x line, which most agents still have inside, on the started product."""

import asyncio
import json
import os
import sys
import sysconfig
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.e2e.apps import Browser
from tests.e2e.people import Account
from tests.e2e.product import Product

UV = Path(sysconfig.get_path("scripts")) / "uv"
CLIENT = Path(__file__).parents[1] / "clients" / "last_years_client.py"
_PATIENCE_SECONDS = 120.0


async def test_an_agent_of_last_year_connects_works_and_has_its_token_renewed(
    product: Product, account: Account, browser: Browser
) -> None:
    command = (UV, "run", "--quiet", "--locked", "--python", sys.executable, "--script", CLIENT)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    agent = await asyncio.create_subprocess_exec(
        *command, f"{product.origin}/mcp", stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
    )
    assert agent.stdout
    async with asyncio.timeout(_PATIENCE_SECONDS):
        url = (await agent.stdout.readline()).decode().strip()
        led_back = await browser.visit(url) if url else ""
        output, errors = await agent.communicate(f"{led_back}\n".encode())

    assert agent.returncode == 0, errors.decode()
    seen = json.loads(output)
    person = await account.person()
    completed = await person.get("/api/todos?status=completed")
    assert seen["completed"] == completed.json()["items"]
    assert {"create_todos", "list_todos"} <= set(seen["tools"])
    assert (seen["protocol"], seen["tokens"], len(browser.asked)) == ("2025-11-25", 2, 1)
    assert seen["refused"][0]
    assert "/todo_id" in seen["refused"][1]
