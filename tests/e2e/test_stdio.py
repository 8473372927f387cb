"""`todo mcp`, started as an agent's client starts it, beside the really started product."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.e2e.people import Account
from tests.e2e.product import TODO, Product, free_port


@pytest.fixture
async def key(account: Account) -> str:
    person = await account.person()
    answer = await person.post("/api/keys", json={"name": "Desktop"})
    made: str = answer.json()["key"]
    return made


@asynccontextmanager
async def started(product: Product, key: str, mode: str = "auto") -> AsyncIterator[Client]:
    program = StdioServerParameters(
        command=str(TODO),
        args=["mcp"],
        cwd=product.folder,
        env={"TODO_ORIGIN": product.origin, "TODO_API_KEY": key},
    )
    async with Client(stdio_client(program, errlog=sys.stderr), mode=mode) as client:
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_on_a_pipe_has_the_tools_of_the_service(
    product: Product, account: Account, key: str, mode: str
) -> None:
    async with started(product, key, mode) as agent:
        added = await agent.call_tool("create_todos", {"todos": [{"title": "From a pipe"}]})
        shown = await agent.call_tool("list_todos", {})

    person = await account.person()
    listed = (await person.get("/api/todos")).json()
    assert (added.is_error, shown.structured_content) == (False, listed)
    assert [todo["title"] for todo in listed["items"]] == ["From a pipe"]


def spoken(product: Product, lines: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What `todo mcp` says to a client that says this and hangs up."""
    return subprocess.run(  # noqa: S603  # our own program
        [TODO, "mcp"],
        cwd=product.folder,
        env=environment,
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_its_output_is_the_protocol_and_nothing_else(product: Product, key: str) -> None:
    ping = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "ping"})

    said = spoken(product, f"{ping}\nno message\n", TODO_ORIGIN=product.origin, TODO_API_KEY=key)

    answers = [json.loads(line) for line in said.stdout.splitlines()]
    assert (said.returncode, said.stderr) == (0, "")
    assert sorted(str(answer.get("id")) for answer in answers) == ["7", "None"]


async def test_what_keeps_it_from_starting_is_one_line_on_standard_error(product: Product, key: str) -> None:
    nowhere = f"http://localhost:{free_port()}"

    without_key = spoken(product, "", TODO_ORIGIN=product.origin)
    wrong_key = spoken(product, "", TODO_ORIGIN=product.origin, TODO_API_KEY=key[:-1])
    not_there = spoken(product, "", TODO_ORIGIN=nowhere, TODO_API_KEY=key)

    refusals = [without_key, wrong_key, not_there]
    assert [(said.returncode, said.stdout) for said in refusals] == [(1, "")] * 3
    assert [said.stderr for said in refusals] == [
        "todo: Set TODO_API_KEY to an API key of yours.\n",
        f"todo: {product.origin} does not know this API key: it was mistyped or revoked.\n",
        f"todo: Nothing answers at {nowhere}: start it with `todo serve`, or set TODO_ORIGIN.\n",
    ]


async def test_a_client_can_be_set_up_from_what_it_prints(product: Product, key: str) -> None:
    printed = product.run("mcp", "--print-config", "claude-desktop").stdout
    server = json.loads(printed)["mcpServers"]["todo"]
    program = StdioServerParameters(
        command=server["command"], args=server["args"], env={**server["env"], "TODO_API_KEY": key}
    )

    async with Client(stdio_client(program, errlog=sys.stderr)) as agent:
        page = await agent.call_tool("list_todos", {})

    assert not page.is_error


def test_every_client_is_told_where_this_installation_is(product: Product) -> None:
    printed = product.run("mcp", "--print-config").stdout
    blocks = [block.split("\n", 1) for block in printed.strip().split("\n\n")]

    assert all(heading.startswith("# ") for heading, _ in blocks)
    servers = [next(iter(json.loads(text).values()))["todo"] for _, text in blocks]
    assert {server.get("url", f"{server.get('env', {}).get('TODO_ORIGIN')}/mcp") for server in servers} == {
        f"{product.origin}/mcp"
    }
