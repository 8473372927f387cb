"""Asking the person before an agent changes several todos, where its client can show a question."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult

from tests.agents import agent_of, call, text_of
from tests.factories import Person, Service


class Somebody:
    """The person at the client: what they were asked, what they do meanwhile, and how they answer."""

    def __init__(self, *actions: str) -> None:
        self.actions = list(actions)
        self.asked: list[str] = []

    async def __call__(self, _context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        action: Any = self.actions.pop(0)
        await self.meanwhile()
        return ElicitResult(action=action, content={} if action == "accept" else None)

    async def meanwhile(self) -> None:
        """Do something else before answering."""


@asynccontextmanager
async def asking(
    service: Service, person: Person, who: Somebody, mode: str = "auto"
) -> AsyncIterator[Client]:
    async with agent_of(service, person, mode, elicitation_callback=who) as agent:
        yield agent


async def two_todos(person: Person) -> list[str]:
    return [(await person.make_todo(title))["id"] for title in ("Water the plants", "Feed the cat")]


async def delete(service: Service, person: Person, who: Somebody, **wanted: Any) -> CallToolResult:
    async with asking(service, person, who) as agent:
        return await agent.call_tool("delete_todos", wanted)


async def total(person: Person) -> int:
    count: int = (await person.get("/api/todos")).json()["total"]
    return count


async def test_who_says_yes_is_asked_once_and_it_is_done(service: Service, alice: Person) -> None:
    somebody = Somebody("accept")

    result = await delete(service, alice, somebody, todo_ids=await two_todos(alice), reason="Both\nare done")

    assert not result.is_error
    assert await total(alice) == 0
    assert [question.split("\n") for question in somebody.asked] == [
        [
            "Move to the trash: 2 todos?",
            "• Water the plants",
            "• Feed the cat",
            r"The agent's reason: Both\u000aare done",
        ]
    ]


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_who_does_not_say_yes_keeps_everything(service: Service, alice: Person, action: str) -> None:
    result = await delete(service, alice, Somebody(action), todo_ids=await two_todos(alice))

    assert result.is_error
    assert text_of(result) == "declined: The person was asked and did not agree: nothing was changed."
    assert await total(alice) == 2


async def test_a_question_says_what_would_change_and_its_words_stay_on_their_lines(
    service: Service, alice: Person
) -> None:
    somebody = Somebody("accept")
    titles = ["Pay \u202e001\nMove nothing", "x" * 100, *[f"Todo {number}" for number in range(10)]]
    todos = [await alice.make_todo(title) for title in titles]
    edits = [{"id": todo["id"], "priority": "low", "title": todo["title"]} for todo in todos]

    async with asking(service, alice, somebody) as agent:
        await agent.call_tool("update_todos", {"todos": edits})

    [question] = somebody.asked
    lines = question.split("\n")
    assert lines[:3] == [
        "Change 12 todos?",
        r"• Pay \u202e001\u000aMove nothing (priority)",
        f"• {'x' * 79}… (priority)",
    ]
    assert (len(lines), lines[-1]) == (12, "… and 2 more")


async def test_what_changes_while_the_person_thinks_is_asked_anew(service: Service, alice: Person) -> None:
    ids = await two_todos(alice)

    class Busy(Somebody):
        async def meanwhile(self) -> None:
            if len(self.asked) == 1:
                await alice.patch(f"/api/todos/{ids[0]}", json={"description": "Not this one"})

    somebody = Busy("accept", "decline")
    result = await delete(service, alice, somebody, todo_ids=ids)

    assert (result.is_error, len(somebody.asked)) == (True, 2)
    assert await total(alice) == 2


async def test_one_todo_and_a_dry_run_need_no_question(service: Service, alice: Person) -> None:
    ids = await two_todos(alice)
    somebody = Somebody()

    tried = await delete(service, alice, somebody, todo_ids=ids, dry_run=True)
    done = await delete(service, alice, somebody, todo_ids=ids[:1])

    assert [tried.is_error, done.is_error] == [False, False]
    assert await total(alice) == 1


async def test_a_plan_does_not_replace_the_person(service: Service, alice: Person) -> None:
    ids = await two_todos(alice)
    plan = (await call(service, alice, "delete_todos", todo_ids=ids, dry_run=True))["plan"]

    result = await delete(service, alice, Somebody("decline"), todo_ids=ids, apply=plan)

    assert result.is_error
    assert await total(alice) == 2


async def test_a_client_without_questions_and_one_of_last_year_go_on_without(
    service: Service, alice: Person
) -> None:
    somebody = Somebody()
    await call(service, alice, "delete_todos", todo_ids=await two_todos(alice))
    async with asking(service, alice, somebody, "legacy") as agent:
        done = await agent.call_tool("delete_todos", {"todo_ids": await two_todos(alice)})

    assert (done.is_error, somebody.asked) == (False, [])
    assert await total(alice) == 0


async def test_the_answer_may_reach_another_worker_but_is_good_for_its_person_alone(
    service: Service, alice: Person, bob: Person
) -> None:
    ids = await two_todos(alice)
    asked = await ask_by_hand(alice, ids)
    answer = {
        "inputResponses": {"consent": {"action": "accept", "content": {}}},
        "requestState": asked["requestState"],
    }

    foreign = await ask_by_hand(bob, ids, **answer)
    async with service.another() as worker:
        there = Person(worker.client, alice.token, alice.subject, alice.agent_token)
        done = await ask_by_hand(there, ids, **answer)

    assert asked["resultType"] == "input_required"
    assert foreign["message"] == "Invalid or expired requestState"
    assert not done["isError"]
    assert await total(alice) == 0


async def ask_by_hand(person: Person, ids: list[str], **more: Any) -> dict[str, Any]:
    """One round of a deletion, and what comes back."""
    capabilities: dict[str, Any] = {"elicitation": {"form": {}}}
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }
    params = {"name": "delete_todos", "arguments": {"todo_ids": ids}, "_meta": meta, **more}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "delete_todos",
    }
    answer = (await person.post("/mcp", json=message, headers=headers)).json()
    result: dict[str, Any] = answer.get("result") or answer["error"]
    return result
