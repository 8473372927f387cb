# /// script
# requires-python = ">=3.11"
# dependencies = ["mcp==1.30.*"]
# ///
# mypy: ignore-errors
"""The official Python client of the 1.x line, in an environment of its own; it wants the address of `/mcp`.

It says where its person is to go, reads where they were led back to, uses tools, has its token renewed, uses
another, and says last what it saw, as JSON.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

CALLBACK = "http://127.0.0.1:33418/callback"


class Kept:
    """What an app keeps on its machine."""

    def __init__(self) -> None:
        self.tokens: list[OAuthToken] = []
        self.registration: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens[-1] if self.tokens else None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens.append(tokens)

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.registration

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.registration = client_info


async def send_person(url: str) -> None:
    say(url)


async def take_answer() -> tuple[str, str]:
    answer = parse_qs(urlsplit(sys.stdin.readline().strip()).query)
    return answer["code"][0], answer["state"][0]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(url: str) -> None:
    kept = Kept()
    metadata = OAuthClientMetadata(client_name="Last year's agent", redirect_uris=[CALLBACK])
    sign_in = OAuthClientProvider(url, metadata, kept, send_person, take_answer)
    async with (
        streamablehttp_client(url, auth=sign_in) as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        welcome = await session.initialize()
        tools = await session.list_tools()
        created = await session.call_tool("create_todos", {"todos": [{"title": "From last year"}]})
        sign_in.context.token_expiry_time = 1  # as if its ten minutes were over
        todo_id = created.structuredContent["todos"][0]["id"]
        completed = await session.call_tool("complete_todos", {"todo_ids": [todo_id]})
        refused = await session.call_tool("get_todo", {"todo_id": "not an id"})
    seen = {
        "protocol": welcome.protocolVersion,
        "tools": sorted(tool.name for tool in tools.tools),
        "completed": completed.structuredContent["todos"],
        "refused": [refused.isError, refused.content[0].text],
        "tokens": len({token.access_token for token in kept.tokens}),
    }
    say(json.dumps(seen))


asyncio.run(main(sys.argv[1]))
