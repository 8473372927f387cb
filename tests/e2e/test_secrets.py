"""Nothing that is secret, and nothing that names a person, ends up where it does not belong."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.e2e.people import Account, People
from tests.e2e.product import Product, copied_product
from tests.factories import Person
from todo.database.engine import connect

# Those that hand out a token, to the person it belongs to, because that is what they are for.
HAND_OUT = {f"/api/auth/{name}" for name in ("sign-up/email", "sign-in/email", "token", "get-session")}
# What PostgreSQL keeps the rows in; everything else it writes has to be clean.
TABLE_FILES = {"base", "global", "pg_wal", "pg_xact"}


@dataclass
class Trace:
    """What a person left behind, and the words that must not be found there."""

    product: Product
    email: str
    secrets: set[str] = field(default_factory=set)
    answers: list[httpx2.Response] = field(default_factory=list)
    commands: str = ""


@pytest.fixture(scope="module")
async def trace(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trace]:
    """The trace of a person who did everything there is, well and badly, with a product now stopped."""
    canary = uuid4().hex
    with copied_product(installation, tmp_path_factory.mktemp("canary")) as product:
        trace = Trace(product, f"canary-{canary}@example.com")
        product.start()
        async with AsyncExitStack() as stack:
            await live(trace, People(stack), password=f"secret {canary}")
        trace.commands = "\n".join(" ".join(process.cmdline()) for process in product.family())
        product.stop()
        yield trace


async def live(trace: Trace, people: People, password: str) -> None:
    """Sign up, use and misuse everything."""
    product = trace.product
    account = Account(await people.client(product), trace.email, password)
    other = Account(await people.client(product), trace.email, password)
    for client in (account.client, other.client):
        client.event_hooks["response"] = [lambda answer: _keep(trace, answer)]
    await asyncio.gather(account.sign_up(), other.sign_up())
    await account.sign_in(f"{password} mistyped")
    await account.sign_in()
    person = await account.person()
    await misuse_sign_in(account)
    await misuse_todos(person, account.session)
    await account.ask("GET", "list-sessions")
    await account.ask("POST", "change-password", currentPassword=f"{password}?", newPassword=f"{password}!")
    trace.secrets |= {password, account.session, person.token, person.token.rpartition(".")[2]}
    trace.secrets |= {product.secret, *await stored_secrets(product, person)}
    await account.ask("POST", "sign-out")
    await person.get("/api/todos")


async def misuse_sign_in(account: Account) -> None:
    """Ask for what cannot be, naming the e-mail address and the password all the way."""
    wanted = {"email": account.email, "password": account.password, "name": "x\0"}
    await account.client.post("/api/auth/sign-up/email", json={**wanted, "password": "\0" + account.password})
    await account.client.post("/api/auth/sign-in/email", json={**wanted, "email": [account.email]})
    await account.client.post("/api/auth/sign-in/email", content=f'{{"password": "{account.password}"')
    await account.client.post("/api/auth/sign-in/nowhere", params={"email": account.email}, json=wanted)
    await account.ask("POST", "update-user", name="x\0", image=account.email)
    await account.ask("POST", "revoke-session", token=account.session + "\0")


async def misuse_todos(person: Person, session: str) -> None:
    """Do everything with a todo, and offer tokens where they do not count."""
    todo = await person.make_todo()
    await person.patch(f"/api/todos/{todo['id']}", json={"title": "\0", "token": person.token})
    await person.get("/api/todos", params={"cursor": person.token})
    await person.get("/api/todos", params={"access_token": person.token})
    for wrong in (session, f"{person.token}x", person.token[:-4], f"{person.token} {session}"):
        await person.get("/api/todos", headers={"authorization": f"Bearer {wrong}"})
    await person.get("/api/todos", headers={"authorization": f"Basic {session}"})
    await person.get("/health/ready", headers={"x-request-id": session[:8]})


async def stored_secrets(product: Product, person: Person) -> list[str]:
    """Read what only the database may know."""
    user = UUID(person.subject)
    async with connect(product.owner_url) as owner:
        hashes = await owner.fetch('SELECT password FROM auth.account WHERE "userId" = $1', user)
        tokens = await owner.fetch('SELECT token FROM auth.session WHERE "userId" = $1', user)
        keys = await owner.fetch('SELECT "privateKey" FROM auth.jwks')
    return [row[0] for row in (*hashes, *tokens, *keys)]


async def _keep(trace: Trace, answer: httpx2.Response) -> None:
    await answer.aread()
    trace.answers.append(answer)


def test_the_output_holds_no_secret_and_no_email(trace: Trace) -> None:
    found = [secret for secret in (*trace.secrets, trace.email) if secret in trace.product.output]

    assert found == []
    assert "sign-in/email" in trace.product.output


def test_no_command_line_shows_a_secret(trace: Trace) -> None:
    assert "server.mjs" in trace.commands
    assert [secret for secret in trace.secrets if secret in trace.commands] == []


def test_no_file_beside_the_tables_holds_a_secret_or_an_email(trace: Trace) -> None:
    data_dir = trace.product.data_dir
    files = {path.relative_to(data_dir): path for path in data_dir.rglob("*") if path.is_file()}
    plain = {name: path for name, path in files.items() if not TABLE_FILES & set(name.parts)}
    sought = [*trace.secrets, trace.email]

    found = {(str(name), word) for name, path in plain.items() for word in sought if word in _text(path)}

    assert found == {("secret", trace.product.secret)}
    assert Path("postgres/server.log") in plain


def test_answers_hold_no_secret_but_those_that_hand_out_a_token(trace: Trace) -> None:
    plain = [
        answer for answer in trace.answers if answer.url.path not in HAND_OUT | {"/api/auth/list-sessions"}
    ]

    found = {
        (answer.url.path, secret) for answer in plain for secret in trace.secrets if secret in answer.text
    }

    assert found == set()
    assert len(plain) > 15


def test_answers_that_hand_out_a_token_hold_no_password_hash_or_key(trace: Trace) -> None:
    told = " ".join(answer.json()["token"] for answer in trace.answers if _hands_out(answer))
    kept = {secret for secret in trace.secrets if secret not in told}

    found = {secret for answer in trace.answers for secret in kept if secret in answer.text}

    assert found == set()
    assert len(kept) >= 4
    assert len(told.split()) >= 3


def test_no_misuse_was_answered_with_a_failure_of_ours(trace: Trace) -> None:
    assert [answer for answer in trace.answers if answer.status_code >= 500] == []


def test_the_secret_is_for_its_owner_alone(trace: Trace) -> None:
    mode = stat.S_IMODE((trace.product.data_dir / "secret").stat().st_mode)

    assert mode == 0o600


def _hands_out(answer: httpx2.Response) -> bool:
    return answer.status_code == 200 and answer.url.path in HAND_OUT


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")
