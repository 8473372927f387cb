"""What a person can hand to an agent, and ask of it, by name."""

import json
from typing import Any
from uuid import uuid4

import pytest
from mcp import MCPError

from tests.agents import agent_of
from tests.factories import Person, Service


async def read(service: Service, person: Person, uri: str) -> dict[str, Any]:
    async with agent_of(service, person) as agent:
        [content] = (await agent.read_resource(uri)).contents
    assert content.mime_type == "application/json"
    shown: dict[str, Any] = json.loads(getattr(content, "text", ""))
    return shown


async def test_the_open_list_has_what_is_still_to_be_done_most_urgent_first(
    service: Service, alice: Person
) -> None:
    low = await alice.make_todo("Later", priority="low")
    urgent = await alice.make_todo("Now", priority="urgent")
    done, gone = await alice.make_todo(), await alice.make_todo()
    await alice.patch(f"/api/todos/{done['id']}/complete")
    await alice.delete(f"/api/todos/{gone['id']}")

    shown = await read(service, alice, "todo://todos/open")

    assert (shown["items"], shown["total"]) == ([urgent, low], 2)


async def test_a_todo_is_a_resource(service: Service, alice: Person) -> None:
    todo = await alice.make_todo()

    assert await read(service, alice, f"todo://todos/{todo['id']}") == todo


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_resources_that_are_not_there_are_refused_by_their_code(
    service: Service, alice: Person, bob: Person, mode: str
) -> None:
    theirs = await bob.make_todo()

    async with agent_of(service, alice, mode) as agent:
        for name, code in (
            (theirs["id"], "todo_not_owned"),
            (str(uuid4()), "todo_not_found"),
            ("7", "todo_not_found"),
        ):
            with pytest.raises(MCPError, match=f"{code}: ") as refused:
                await agent.read_resource(f"todo://todos/{name}")
            assert refused.value.code == -32602


async def test_a_review_shows_the_week_and_what_is_open(service: Service, alice: Person) -> None:
    done = await alice.make_todo("Done this week")
    await alice.patch(f"/api/todos/{done['id']}/complete")
    await alice.make_todo("Still open")

    async with agent_of(service, alice) as agent:
        [_, data] = (await agent.get_prompt("weekly_review")).messages

    lines = data.content.text.split("\n")[1:-1]  # type: ignore[union-attr]  # a prompt is text
    assert [json.loads(line)["title"] for line in lines] == ["Done this week", "Still open"]


async def test_a_prompt_about_nothing_says_so(service: Service, alice: Person) -> None:
    async with agent_of(service, alice) as agent:
        [_, data] = (await agent.get_prompt("triage")).messages

    assert data.content.text == "There is nothing to show."  # type: ignore[union-attr]  # a prompt is text
