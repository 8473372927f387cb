"""How many todos an agent may change in an hour."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.agents import agent_of, call, refusal
from tests.factories import LIMITS, Person, Service


@pytest.fixture
async def strict(service: Service) -> AsyncIterator[Service]:
    """A service whose agents may change three todos an hour."""
    async with service.another(limits=replace(LIMITS, agent_writes=3)) as strict:
        yield strict


def new(*titles: str) -> list[dict[str, str]]:
    return [{"title": title} for title in titles]


async def test_an_agent_that_has_changed_enough_is_told_when_it_may_go_on(strict: Service) -> None:
    alice = strict.person()
    await call(strict, alice, "create_todos", todos=new("one", "two"))

    said = await refusal(strict, alice, "create_todos", todos=new("three", "four"))
    await call(strict, alice, "create_todos", todos=new("three"))
    spent = await refusal(strict, alice, "create_todos", todos=new("four"))

    assert said == (
        "write_budget_spent: The agent may change 3 todos in an hour and has 1 left, not 2: "
        "try again in 20 min, change fewer, or ask the person to do it."
    )
    assert "has 0 left, not 1: try again in 20 min" in spent
    assert (await alice.get("/api/todos")).json()["total"] == 3


async def test_more_at_once_than_in_an_hour_is_never_granted(strict: Service) -> None:
    said = await refusal(strict, strict.person(), "create_todos", todos=new("1", "2", "3", "4"))

    assert said.startswith("write_budget_spent: ")
    assert said.endswith("and these are 4: change fewer at once.")


async def test_what_changes_nothing_costs_nothing(strict: Service) -> None:
    alice = strict.person()
    added = await call(strict, alice, "create_todos", todos=new("one", "two"))
    ids = [todo["id"] for todo in added["todos"]]

    await call(strict, alice, "reopen_todos", todo_ids=ids)
    await call(strict, alice, "delete_todos", todo_ids=ids, dry_run=True)
    await refusal(strict, alice, "create_todos", todos=new("fine", ""))
    left = (await call(strict, alice, "whoami"))["writes_left"]

    assert left == 1


async def test_each_agent_has_its_own_and_their_person_needs_none(strict: Service) -> None:
    alice = strict.person()
    await call(strict, alice, "create_todos", todos=new("one", "two", "three"))
    key = (await alice.post("/api/keys", json={"name": "Another agent"})).json()["key"]
    another = Person(strict.client, alice.token, alice.subject, key)

    await call(strict, another, "create_todos", todos=new("four"))
    by_hand = await alice.make_todo()

    assert by_hand["version"] == 1
    assert (await call(strict, alice, "whoami"))["writes_left"] == 0
    assert (await call(strict, another, "whoami"))["writes_left"] == 2


async def test_workers_of_one_host_count_together(service: Service, tmp_path: Path) -> None:
    alice = service.person()
    wired = {"limits": replace(LIMITS, agent_writes=2), "runtime_folder": str(tmp_path)}
    (tmp_path / "metrics").mkdir()
    async with service.another(**wired) as one, service.another(**wired) as two:
        await call(one, alice, "create_todos", todos=new("one"))
        await call(two, alice, "create_todos", todos=new("two"))

        assert "write_budget_spent: " in await refusal(one, alice, "create_todos", todos=new("three"))


async def test_none_is_no_limit(service: Service) -> None:
    alice = service.person()
    async with service.another(limits=replace(LIMITS, agent_writes=0)) as lavish:
        who = await call(lavish, alice, "whoami")
        await call(lavish, alice, "create_todos", todos=new(*map(str, range(100))))

    assert (who["writes_per_hour"], who["writes_left"]) == (None, None)


@pytest.mark.parametrize("scopes", [["todo:read"], ["todo:read", "todo:write"]])
async def test_an_agent_knows_for_whom_and_through_what_it_acts(
    service: Service, alice: Person, scopes: list[str]
) -> None:
    made = (await alice.post("/api/keys", json={"name": "Desktop", "scopes": scopes})).json()
    agent = Person(service.client, alice.token, alice.subject, made["key"])

    who = await call(service, agent, "whoami")

    assert who == {
        "person": alice.subject,
        "client": f"key:{made['id']}",
        "client_name": "Desktop",
        "scopes": scopes,
        "writes_per_hour": 1000,
        "writes_left": 1000,
    }


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_key_that_may_only_read_reads_and_is_refused_writing(
    service: Service, alice: Person, mode: str
) -> None:
    todo = await alice.make_todo()
    made = (await alice.post("/api/keys", json={"name": "Reader", "scopes": ["todo:read"]})).json()
    reader = Person(service.client, alice.token, alice.subject, made["key"])

    async with agent_of(service, reader, mode) as agent:
        results = [
            await agent.call_tool("list_todos", {}),
            await agent.call_tool("get_todo", {"todo_id": todo["id"]}),
            await agent.call_tool("whoami", {}),
        ]
        await agent.read_resource("todo://todos/open")
        await agent.get_prompt("triage")
        tools = (await agent.list_tools()).tools
        writing = [tool.name for tool in tools if tool.annotations and not tool.annotations.read_only_hint]
    refused = [
        (
            await service.client.post(
                "/mcp",
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name}},
                headers={"x-api-key": made["key"]},
            )
        ).status_code
        for name in writing
    ]

    assert not any(result.is_error for result in results)
    assert len(writing) >= 6
    assert set(refused) == {403}
