"""What people wrote reaches agents as data, whatever it says, and changes nothing the server says itself."""

import json
from typing import Any

import pytest

from tests.agents import agent_of, text_of
from tests.factories import Person, Service
from tests.features.todos.injections import INJECTIONS

PROMPTS = ["plan_my_day", "triage", "weekly_review"]
MARK = "todo-evolution/written-by-people"
MARKED = ["title", "description", "reason", "client_name"]


@pytest.fixture
async def todos(alice: Person) -> list[dict[str, Any]]:
    """Alice's, each of them hostile twice, the newest first."""
    return [await alice.make_todo(text, description=text) for text in INJECTIONS][::-1]


def read(text: str) -> list[dict[str, Any]]:
    """The data of a text, which has to be between its only two marks."""
    before, _, rest = text.partition("<data ")
    data, _, after = rest.partition("\n</data>")
    lines = data.split("\n")[1:]
    assert (text.count("<"), text.count(">"), after) == (2, 2, "")
    assert all(line.isprintable() for line in lines)
    assert not set(INJECTIONS) & set(before.split("\n"))
    return [json.loads(line) for line in lines]


def texts(todos: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(todo["title"], todo["description"]) for todo in todos]


async def said_by_the_server(service: Service, person: Person) -> str:
    """Everything that is the server's own: instructions, tools, resources, prompts."""
    async with agent_of(service, person) as agent:
        said = [
            await agent.list_tools(),
            await agent.list_resources(),
            await agent.list_resource_templates(),
            await agent.list_prompts(),
        ]
        asked = [(await agent.get_prompt(name)).messages[0] for name in PROMPTS]
        return "\n".join([str(agent.instructions), *(one.model_dump_json() for one in [*said, *asked])])


@pytest.mark.usefixtures("todos")
async def test_no_text_changes_what_the_server_says_itself(
    service: Service, alice: Person, bob: Person
) -> None:
    assert await said_by_the_server(service, alice) == await said_by_the_server(service, bob)


async def test_tools_answer_every_text_as_data(
    service: Service, alice: Person, todos: list[dict[str, Any]]
) -> None:
    async with agent_of(service, alice) as agent:
        page = await agent.call_tool("list_todos", {"limit": 100})
        one = await agent.call_tool("get_todo", {"todo_id": todos[0]["id"]})
        changed = await agent.call_tool("complete_todos", {"todo_ids": [todo["id"] for todo in todos]})

    assert texts(read(text_of(page))) == texts(todos)
    assert texts(read(text_of(one))) == texts(todos[:1])
    assert texts(read(text_of(changed))) == texts(todos)
    assert [(result.meta or {})[MARK] for result in (page, one, changed)] == [MARKED] * 3
    assert page.structured_content
    assert page.structured_content["items"] == todos


async def test_resources_show_every_text_as_data_under_the_uri_that_was_asked_for(
    service: Service, alice: Person, todos: list[dict[str, Any]]
) -> None:
    uris = ["todo://todos/open", *(f"todo://todos/{todo['id']}" for todo in todos)]
    async with agent_of(service, alice) as agent:
        [everything, *each] = [(await agent.read_resource(uri)).contents for uri in uris]

    contents = [content for [content] in [everything, *each]]
    shown = [json.loads(content.text) for content in contents if hasattr(content, "text")]
    assert [str(content.uri) for content in contents] == uris
    assert all(content.meta == {MARK: MARKED} for content in contents)
    assert sorted(texts(shown[0]["items"])) == sorted(texts(todos))
    assert shown[1:] == todos


async def test_prompts_bring_every_text_as_data(
    service: Service, alice: Person, todos: list[dict[str, Any]]
) -> None:
    async with agent_of(service, alice) as agent:
        prompts = [(await agent.get_prompt(name)).messages for name in PROMPTS]

    for messages in prompts:
        [_, data] = messages
        assert data.content.type == "text"
        assert sorted(texts(read(data.content.text))) == sorted(texts(todos))


async def test_a_refusal_repeats_nothing_of_what_was_sent(service: Service, alice: Person) -> None:
    async with agent_of(service, alice) as agent:
        for text in INJECTIONS:
            spoilt = [{"title": text + "x" * 201, "priority": text}]
            refused = await agent.call_tool("create_todos", {"todos": spoilt})
            assert refused.is_error
            assert text not in text_of(refused)
