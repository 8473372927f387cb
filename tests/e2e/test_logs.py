"""The log as a collector of logs reads it: one JSON object a line, of every process, and nothing private."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.e2e.people import Account, People
from tests.e2e.product import Product, copied_product
from tests.e2e.waiting import until, until_answered, wait_until
from tests.factories import Person

CANARY = uuid4().hex
TITLE = f"Feed the canary {CANARY}"


@dataclass
class Day:
    """What was answered and what was said about it, in a day with good and bad hours."""

    product: Product
    email: str
    password: str
    secrets: set[str] = field(default_factory=set)
    answers: list[httpx2.Response] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return self.product.output.splitlines()

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    @property
    def access(self) -> list[dict[str, Any]]:
        return [record for record in self.records if record["logger"] == "todo.access"]


@pytest.fixture(scope="module")
async def day(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Day]:
    """A day of a product with two workers, which has ended."""
    with copied_product(installation, tmp_path_factory.mktemp("logging")) as product:
        day = Day(product, f"canary-{CANARY}@example.com", f"secret {CANARY}")
        product.launch(TODO_LOG_FORMAT="json", TODO_WORKERS="2")
        product.await_output("is ready at")
        async with AsyncExitStack() as stack:
            people = People(stack)
            await people.clients_of_all_workers(product)
            account = Account(await people.client(product), day.email, day.password)
            account.client.event_hooks["response"] = [lambda answer: keep(day, answer)]
            await live(day, account)
        assert product.stop() == 0
        yield day


async def keep(day: Day, answer: httpx2.Response) -> None:
    await answer.aread()
    day.answers.append(answer)


async def live(day: Day, account: Account) -> None:
    """Use and misuse everything, and take away what it rests on."""
    await account.sign_up()
    await account.sign_in(f"{day.password} mistyped")
    person = await account.person()
    day.secrets |= {account.session, person.token, person.token.rpartition(".")[2], day.product.secret}
    await misuse(account, person)
    await ask_as_an_agent(person)
    day.product.kill_auth_server()
    await account.ask("GET", "token")
    await until_answered(lambda: account.ask("GET", "token"), 200)
    for process in day.product.postgres():
        process.kill()
    await asyncio.gather(*(person.get("/api/todos", params={"q": TITLE}) for _ in range(4)))
    await until_answered(lambda: person.get("/api/todos"), 200, seconds=30)


async def misuse(account: Account, person: Person) -> None:
    """Write titles, tokens and addresses where they belong and where they do not."""
    todo = await person.make_todo(TITLE)
    await person.get("/api/todos", params={"q": TITLE})
    await person.get("/api/todos", params={"cursor": person.token, "token": person.token})
    await person.patch(
        f"/api/todos/{todo['id']}", json={"title": TITLE * 20, account.email: account.password}
    )
    await person.patch(f"/api/todos/{todo['id']}", json={"title": TITLE + "\0"})
    await person.post("/api/todos", content=f'{{"title": "{TITLE}"')
    await person.get(f"/api/todos/{TITLE}")
    await person.get(f"/{account.email}/{person.token}/{TITLE}", params={"email": account.email})
    await account.client.get(f"/api/auth/verify-email/{account.session}", params={"token": person.token})
    await account.client.post("/api/auth/sign-in/email", content=f'{{"email": "{account.email}"')
    await account.ask("POST", "update-user", name=TITLE + "\0", image=account.email)
    await account.client.get("/api/todos", headers={"authorization": f"Bearer {person.token}x"})
    await account.client.get("/health/live", headers={"x-request-id": "from-the-caller-7"})


async def ask_as_an_agent(person: Person) -> None:
    """Speak MCP, well and badly."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    headers = {"accept": "application/json, text/event-stream"}
    for arguments in (
        {"todos": [{"title": TITLE}]},
        {"todos": [{"title": TITLE * 20}]},
        {"todos": [{"title": [TITLE], TITLE: person.token}]},
        {"todos": TITLE, TITLE: person.token},
        TITLE,
    ):
        message = {**call, "params": {"name": "create_todos", "arguments": arguments}}
        await person.post("/mcp", json=message, headers=headers)
    await person.post("/mcp", json={**call, "method": TITLE, "id": [TITLE]}, headers=headers)
    await person.post("/mcp", content=TITLE, headers=headers)


def test_every_line_of_every_process_is_one_json_object(day: Day) -> None:
    assert [record for record in day.records if not isinstance(record, dict)] == []
    assert {"todo.voice", "todo.access", "todo.auth.server"} <= {record["logger"] for record in day.records}
    assert len(day.lines) > len(day.answers)


def test_a_line_says_when_how_bad_and_from_whom(day: Day) -> None:
    for record in day.records:
        assert record["time"].endswith("Z")
        assert datetime.now(UTC) - datetime.fromisoformat(record["time"]) < timedelta(hours=1)
        assert record["level"] in {"info", "warning", "error"}
        assert record["message"]


def test_each_answer_has_its_line_with_the_same_request_id_and_status(day: Day) -> None:
    said = Counter((record["request_id"], record["method"], record["status"]) for record in day.access)

    for answer in day.answers:
        key = (answer.headers["x-request-id"], answer.request.method, answer.status_code)
        assert said[key] == 1, key
    assert {200, 201, 401, 404, 422, 503} <= {answer.status_code for answer in day.answers}


def test_a_line_about_a_request_says_where_it_went_and_how_long_it_took(day: Day) -> None:
    paths = {record["path"] for record in day.access}

    assert {"/api/todos", "/api/todos/{todo_id}", "/mcp", "/api/auth/sign-up/email", "/*/*/*"} <= paths
    assert "/api/auth/verify-email/*" in paths
    assert all(record["duration_ms"] > 0 for record in day.access)


def test_what_is_said_on_the_way_carries_the_request_id_as_well(day: Day) -> None:
    away = {answer.headers["x-request-id"] for answer in day.answers if answer.status_code == 503}
    warnings = [record for record in day.records if record["level"] == "warning" and "request_id" in record]

    assert away & {record["request_id"] for record in warnings}


def test_no_line_holds_what_is_private(day: Day) -> None:
    private = {day.email, day.password, TITLE, CANARY, *day.secrets}

    assert [word for word in private if word in day.product.output] == []
    assert len(day.secrets) == 4


def test_a_refused_start_is_a_line_too(own_product: Product, product: Product) -> None:
    refusal = own_product.refuse(TODO_LOG_FORMAT="json", TODO_PORT=str(product.port))

    [line] = refusal.sentences
    record = json.loads(line)
    assert (refusal.exit_code, record["level"]) == (1, "critical")
    assert f"port {product.port}" in record["message"]


async def test_at_a_higher_level_requests_are_not_told(own_product: Product, people: People) -> None:
    own_product.start(TODO_LOG_LEVEL="warning")
    client = await people.client(own_product)
    await client.get("/health/live")
    own_product.kill_auth_server()
    await until(lambda: "starting it again" in own_product.output, "the warning is there")

    assert "todo.access" not in own_product.output
    assert "Todo Evolution is ready." in own_product.output


async def test_a_line_for_people_ends_in_the_request_id(product: Product, people: People) -> None:
    client = await people.client(product)
    answer = await client.get("/health/live", headers={"x-request-id": f"mine-{CANARY}"})

    wait_until(lambda: CANARY in product.output, "the line is written")
    [line] = [line for line in product.output.splitlines() if CANARY in line]
    assert line.endswith(f"ms {answer.headers['x-request-id']}")
    assert " INFO todo.access GET /health/live 200 " in line


@pytest.mark.parametrize(("name", "value"), [("TODO_LOG_FORMAT", "xml"), ("TODO_LOG_LEVEL", "loud")])
def test_a_format_or_level_that_is_not_known_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with closing(Product(tmp_path)) as product:
        refusal = product.refuse(**{name: value})

    assert refusal.exit_code == 1
    assert f"todo: {name}: Input should be" in refusal.sentences[0]
