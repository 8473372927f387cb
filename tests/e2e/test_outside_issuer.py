"""Sign-in left to somebody else: their tokens count, and nothing of ours runs for it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.people import People
from tests.e2e.product import Product, copied_product
from tests.factories import AUDIENCE, Issuer, Person


@pytest.fixture(scope="module")
def trusting_product(
    installation: Path, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """A product that trusts the issuer."""
    with copied_product(installation, tmp_path_factory.mktemp("trusting")) as product:
        product.start(
            TODO_AUTH_ISSUER=issuer.url,
            TODO_AUTH_JWKS_URL=f"{issuer.url}/jwks",
            TODO_AUTH_AUDIENCE=AUDIENCE,
        )
        yield product


def test_no_auth_server_is_started_for_an_outside_issuer(trusting_product: Product) -> None:
    commands = [" ".join(process.cmdline()) for process in trusting_product.family()]

    assert [command for command in commands if "server.mjs" in command] == []
    assert "Starting sign-in" not in trusting_product.output


@pytest.mark.parametrize(
    "subject", ["019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21", "auth0|12345", "somebody@example.com"]
)
async def test_a_token_of_an_outside_issuer_opens_the_todos_of_its_subject(
    trusting_product: Product, people: People, issuer: Issuer, subject: str
) -> None:
    client = await people.client(trusting_product)
    person = Person(client, issuer.token(subject), subject)

    todo = await person.make_todo("From outside")

    again = Person(client, issuer.token(subject), subject)
    listed = (await again.get("/api/todos")).json()
    assert [item["id"] for item in listed["items"]] == [todo["id"]]


@pytest.mark.parametrize("claims", [{"aud": "http://else/api"}, {"iss": "http://else"}, {"sub": ""}])
async def test_a_token_for_another_audience_or_by_another_issuer_is_refused(
    trusting_product: Product, people: People, issuer: Issuer, claims: dict[str, str]
) -> None:
    client = await people.client(trusting_product)
    person = Person(client, issuer.token(str(uuid4()), **claims), "")

    answer = await person.get("/api/todos")

    assert (answer.status_code, answer.json()["error_code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("path", ["sign-up/email", "sign-in/email", "token", "jwks"])
async def test_our_own_sign_in_is_not_there_beside_an_outside_issuer(
    trusting_product: Product, people: People, path: str
) -> None:
    client = await people.client(trusting_product)

    answer = await client.post(f"/api/auth/{path}", json={})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error_code"] == "not_found"
