"""OAuth 2.1 as the MCP specification demands it: discovery, questions, answers, codes, refresh, consent."""

from urllib.parse import urlsplit

import httpx2
import pytest

from tests.e2e.oauth import CALLBACK, Client, answer_in, register
from tests.e2e.people import Account, People
from tests.e2e.product import Product
from todo.database.engine import connect


class Visit:
    """An app, and the browser of a person who is signed in."""

    def __init__(self, app: Client, browser: httpx2.AsyncClient) -> None:
        self.app = app
        self.browser = browser

    async def ask(self, **changed: str | None) -> str:
        """Send the browser with a question, and give where it is led to."""
        answer = await self.browser.get(self.app.question(**changed).replace(self.app.product.origin, ""))
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def decide(self, page: str, **decision: object) -> httpx2.Response:
        """Decide on the consent page the browser was led to."""
        body = {"oauth_query": urlsplit(page).query, **decision}
        return await self.browser.post("/api/auth/oauth2/consent", json=body)

    async def code(self, **decision: object) -> str:
        """Ask, allow, and give the code."""
        answer = await self.decide(await self.ask(), accept=True, **decision)
        return answer_in(answer.json()["url"])["code"]

    async def tokens(self, **decision: object) -> dict[str, str]:
        """Ask, allow, and give the tokens."""
        answer = await self.app.redeem(await self.code(**decision))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, str] = answer.json()
        return tokens


@pytest.fixture
async def visit(product: Product, people: People) -> Visit:
    browser = await people.browser(product)
    stranger = await people.stranger(product)
    assert (await Account(browser, stranger.email).sign_up()).status_code == 200
    return Visit(await Client.registered(product, await people.client(product)), browser)


@pytest.mark.parametrize("suffix", ["/mcp", ""], ids=["of the path", "at the root"])
async def test_the_resource_says_who_issues_its_tokens(product: Product, people: People, suffix: str) -> None:
    client = await people.client(product)

    answer = await client.get(f"/.well-known/oauth-protected-resource{suffix}")

    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json() == {
        "resource": f"{product.origin}/mcp",
        "resource_name": "Todo Evolution",
        "authorization_servers": [product.origin],
        "scopes_supported": ["todo:read", "todo:write"],
        "bearer_methods_supported": ["header"],
    }


async def test_the_issuer_says_what_it_can_do(product: Product, people: People) -> None:
    client = await people.client(product)

    said = (await client.get("/.well-known/oauth-authorization-server")).json()

    assert said["issuer"] == product.origin
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["client_id_metadata_document_supported"] is True
    assert said["authorization_response_iss_parameter_supported"] is True
    assert said["response_types_supported"] == ["code"]
    assert sorted(said["grant_types_supported"]) == ["authorization_code", "refresh_token"]
    assert {"todo:read", "todo:write", "offline_access"} <= set(said["scopes_supported"])
    endpoints = ("authorization_endpoint", "token_endpoint", "registration_endpoint", "jwks_uri")
    assert all(said[name].startswith(f"{product.origin}/api/auth/") for name in endpoints)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({"scope": "todo:read everything"}, "invalid_scope"),
    ],
    ids=["no PKCE", "plain PKCE", "another resource", "unknown scope"],
)
async def test_an_app_that_asks_wrongly_is_told_so_and_gets_no_code(
    visit: Visit, changed: dict[str, str | None], error: str
) -> None:
    answer = answer_in(await visit.ask(**changed))

    assert (answer["error"], "code" in answer) == (error, False)


@pytest.mark.parametrize(
    "changed",
    [{"client_id": "nobody"}, {"redirect_uri": "https://elsewhere.example/callback"}],
    ids=["unknown app", "unknown address"],
)
async def test_nobody_is_sent_to_an_address_that_was_not_registered(
    visit: Visit, changed: dict[str, str | None]
) -> None:
    page = urlsplit(await visit.ask(**changed))

    assert f"{page.scheme}://{page.netloc}{page.path}" == f"{visit.app.product.origin}/consent"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)//",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:http://localhost/x",
        "view-source:https://app.example",
        "http://app.example/callback",
        "https://app.example/callback#fragment",
        "//app.example/callback",
        "callback",
        "",
    ],
)
async def test_an_address_where_nobody_should_be_sent_cannot_be_registered(
    product: Product, people: People, address: str
) -> None:
    answer = await register(await people.client(product), "Some agent", address)

    assert answer.status_code == 400, answer.text


async def test_the_answer_names_its_issuer_and_gives_the_state_back(visit: Visit) -> None:
    allowed = await visit.decide(await visit.ask(), accept=True)
    denied = await visit.decide(await visit.ask(), accept=False)

    yes, no = (answer_in(answer.json()["url"]) for answer in (allowed, denied))
    assert (yes["iss"], yes["state"]) == (visit.app.product.origin, "a state")
    assert (no["iss"], no["state"], no["error"]) == (visit.app.product.origin, "a state", "access_denied")


async def test_a_question_that_was_changed_on_its_way_allows_nothing(visit: Visit) -> None:
    page = await visit.ask(scope="todo:read")

    answers = [
        await visit.decide(changed, accept=True)
        for changed in (
            page.replace("todo%3Aread", "todo%3Awrite"),
            page.replace(visit.app.client_id, "somebody-else"),
            f"{page}&scope=todo%3Awrite",
            page.replace("exp=", "exp=9"),
        )
    ]

    assert {answer.status_code for answer in answers} == {400}
    assert {answer.json()["error"] for answer in answers} == {"invalid_signature"}


async def test_nobody_is_granted_more_than_was_asked_for(visit: Visit) -> None:
    page = await visit.ask(scope="todo:read")

    answer = await visit.decide(page, accept=True, scope="todo:read todo:write")

    assert answer.status_code == 400


async def test_a_code_is_worth_nothing_without_its_verifier(visit: Visit) -> None:
    code = await visit.code()

    wrong = await visit.app.redeem(code, code_verifier="another-verifier-that-is-long-enough-to-be-taken")
    right = await visit.app.redeem(code)

    assert (wrong.is_success, right.is_success) == (False, False)


async def test_a_code_cannot_be_redeemed_for_another_resource(visit: Visit) -> None:
    answer = await visit.app.redeem(await visit.code(), resource="https://elsewhere.example/mcp")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")


async def test_a_code_used_twice_ends_what_it_bought(visit: Visit) -> None:
    code = await visit.code()
    tokens = (await visit.app.redeem(code)).json()

    again = await visit.app.redeem(code)
    refreshed = await visit.app.refresh(tokens["refresh_token"])

    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (refreshed.status_code, refreshed.json()["error"]) == (400, "invalid_grant")


async def test_each_refresh_gives_a_new_token_and_the_old_one_used_later_ends_them_all(visit: Visit) -> None:
    first = (await visit.tokens())["refresh_token"]
    second = (await visit.app.refresh(first)).json()["refresh_token"]
    async with connect(visit.app.product.owner_url) as owner:
        # For half a minute an answer that was lost on its way is given again.
        await owner.execute(
            "UPDATE auth.\"oauthRefreshToken\" SET revoked = revoked - interval '1 hour', "
            '"rotatedAt" = "rotatedAt" - interval \'1 hour\', '
            '"rotationReplayExpiresAt" = "rotationReplayExpiresAt" - interval \'1 hour\' '
            'WHERE "clientId" = $1',
            visit.app.client_id,
        )

    stolen = await visit.app.refresh(first)
    latest = await visit.app.refresh(second)

    assert second != first
    assert [answer.json().get("error") for answer in (stolen, latest)] == ["invalid_grant", "invalid_grant"]


async def test_a_refresh_may_ask_for_less_and_not_for_more(visit: Visit) -> None:
    tokens = await visit.tokens(scope="todo:read offline_access")

    more = await visit.app.refresh(tokens["refresh_token"], scope="todo:read todo:write")
    same = await visit.app.refresh(tokens["refresh_token"], scope="todo:read")

    assert (more.status_code, same.status_code) == (400, 200)
    assert "todo:write" not in same.json()["scope"]


async def test_who_is_not_to_stay_connected_gets_no_refresh_token(visit: Visit) -> None:
    tokens = await visit.tokens(scope="todo:read todo:write")

    assert "refresh_token" not in tokens
    assert (await visit.app.list_tools(tokens["access_token"])).status_code == 200


async def test_what_is_allowed_less_later_ends_the_tokens_that_may_do_more(visit: Visit) -> None:
    wide = await visit.tokens()
    assert (await visit.app.create_todo(wide["access_token"])).status_code == 200

    narrow = await visit.tokens(scope="todo:read offline_access")

    refreshed = (await visit.app.refresh(wide["refresh_token"])).json()
    answers = [
        await visit.app.create_todo(token)
        for token in (wide["access_token"], refreshed.get("access_token", ""), narrow["access_token"])
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 403]
    assert (await visit.app.list_tools(narrow["access_token"])).status_code == 200


async def test_a_connected_app_is_listed_with_where_it_lives(visit: Visit) -> None:
    await visit.tokens(scope="todo:read")

    listed = (await visit.browser.get("/api/auth/connected-apps")).json()

    assert [
        (app["client_name"], app["client_id"], app["redirect_uris"], app["scopes"]) for app in listed
    ] == [("Some agent", visit.app.client_id, [CALLBACK], ["todo:read"])]


async def test_nobody_sees_the_apps_of_another(visit: Visit, account: Account, people: People) -> None:
    await visit.tokens()
    stranger = await people.client(visit.app.product)

    theirs = await account.ask("GET", "connected-apps")
    nobodys = await stranger.get("/api/auth/connected-apps")

    assert (theirs.json(), nobodys.status_code) == ([], 401)
