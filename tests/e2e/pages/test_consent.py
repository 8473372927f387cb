"""The page /consent: an app asks, and a person decides."""

import re
from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.apps import App, Browser
from tests.e2e.oauth import CALLBACK, Client
from tests.e2e.pages.tab import PHONE, OpenTab, RegisterApp, Screen, Tab
from tests.e2e.people import Account, People
from tests.e2e.product import Product

ASKED = "Allow a program on this computer to use your todos?"


class AtTheTab(Browser):
    """A person who decides in a real browser."""

    def __init__(self, tab: Tab, decide: Callable[[], Awaitable[None]]) -> None:
        self._tab = tab
        self._decide = decide

    async def visit(self, url: str) -> str:
        await self._tab.open(url)
        await self._tab.title(ASKED)
        await self._decide()
        await self._tab.answer()
        return self._tab.page.url


async def test_a_person_lets_an_agent_in_sees_it_and_ends_it(open_tab: OpenTab, member: Account) -> None:
    async with open_tab(account=member) as tab:
        app = App(tab.product, member, AtTheTab(tab, lambda: tab.press("Allow")))
        async with app.connected() as agent:
            await agent.call_tool("create_todos", {"todos": [{"title": "Ask the agent"}]})
        assert (await app.refresh()).status_code == 200

        await tab.open("/activity")
        await tab.read("Some agent")
        await tab.press("Undo: Added “Ask the agent”")
        await tab.hears("1 todo is as it was")
        assert (await (await member.person()).get("/api/todos")).json()["total"] == 0

        await tab.open("/apps")
        await tab.press("Disconnect Some agent")
        await tab.press("Disconnect")
        await tab.read("Some agent is disconnected.")

        await tab.read("No app is connected.")
        refused = (await app.knock()).status_code, (await app.refresh()).status_code
        assert refused == (401, 400)


async def test_an_agent_that_needs_more_asks_for_more(open_tab: OpenTab, member: Account) -> None:
    async with open_tab(account=member) as tab:
        decisions = ["less", "all"]

        async def decide() -> None:
            if decisions.pop(0) == "less":
                await tab.page.get_by_label("Add, change and delete your todos").uncheck()
            await tab.press("Allow")

        app = App(tab.product, member, AtTheTab(tab, decide))
        async with app.connected() as agent:
            await agent.call_tool("list_todos", {})
            assert decisions == ["all"]
            await agent.call_tool("create_todos", {"todos": [{"title": "Now it may write"}]})

        assert decisions == []


async def test_a_person_grants_less_than_was_asked_for(
    open_tab: OpenTab, member: Account, app: Client
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open(app.question())
        await tab.page.get_by_label("Add, change and delete your todos").uncheck()
        await tab.press("Allow")
        tokens = (await app.redeem((await tab.answer())["code"])).json()

        await tab.open("/apps")
        await tab.read("See your todos")

        assert (await app.list_tools(tokens["access_token"])).status_code == 200
        assert (await app.create_todo(tokens["access_token"])).status_code == 403
        assert await tab.page.get_by_text("Add, change and delete your todos").count() == 0


async def test_an_app_that_is_denied_is_told_so_and_not_connected(
    open_tab: OpenTab, member: Account, app: Client
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open(app.question())
        await tab.press("Deny")
        answer = await tab.answer()

        await tab.open("/apps")
        await tab.read("No app is connected.")

        assert (answer["error"], answer["state"], "code" in answer) == ("access_denied", "a state", False)


async def test_the_keyboard_is_enough_to_read_narrow_and_allow(
    open_tab: OpenTab, member: Account, app: Client
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open(app.question())
        await tab.title(ASKED)
        reached = []
        for _ in range(6):
            await tab.page.keyboard.press("Tab")
            focused = tab.page.locator(":focus")
            reached.append(await focused.get_attribute("id") or await focused.text_content())
            assert await focused.evaluate("(it) => getComputedStyle(it).outlineStyle") == "solid"
            if reached[-1] == "scope-todo:write":
                await tab.page.keyboard.press("Space")
        await tab.page.keyboard.press("Enter")
        tokens = (await app.redeem((await tab.answer())["code"])).json()

        assert reached[2:] == ["scope-todo:write", "scope-offline_access", "Use another account", "Allow"]
        assert tokens["scope"].split() == ["todo:read", "offline_access"]


async def test_the_question_is_asked_in_the_language_and_the_light_that_were_chosen(
    open_tab: OpenTab, member: Account, app: Client
) -> None:
    async with open_tab(account=member, screen=Screen(language="de-DE")) as tab:
        await tab.open(app.question())
        await tab.title("Darf ein Programm auf diesem Computer deine Aufgaben nutzen?")
        await tab.page.get_by_label("Konto und Einstellungen").click()
        await tab.page.get_by_label("Sprache").select_option("fr")
        await tab.page.get_by_label("Apparence").select_option("dark")
        await tab.page.reload()
        await tab.title("Autoriser un programme sur cet ordinateur à utiliser tes tâches ?")

        assert await tab.is_dark()
        await tab.press("Autoriser")
        assert "code" in await tab.answer()


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("https://agent.example/callback", "agent.example"),
        ("https://agent.example:8443/callback", "agent.example:8443"),
        ("https://\u0430gent.example/callback", "xn--gent-43d.example"),
        (CALLBACK, "a program on this computer"),
        ("com.example.agent:/callback", "an app on this device (com.example.agent)"),
    ],
)
async def test_who_asks_is_where_the_answer_goes_and_not_what_it_calls_itself(
    open_tab: OpenTab, member: Account, register_app: RegisterApp, address: str, who: str
) -> None:
    app = await register_app(name="Todo Evolution", redirect_uri=address)
    async with open_tab(account=member) as tab:
        await tab.open(app.question())

        await tab.title(f"Allow {who} to use your todos?")
        await tab.read("It chose that name itself, and nobody has checked it.")


async def test_a_hostile_name_is_shown_as_the_text_it_is(
    open_tab: OpenTab, member: Account, register_app: RegisterApp
) -> None:
    name = (
        f"<img src=x onerror=document.title='owned'> </bdi><script>alert(1)</script>\u202egnp.exe{'!' * 500}"
    )
    app = await register_app(name=name)
    async with open_tab(account=member, screen=PHONE) as tab:
        for address in (app.question(), "/apps"):
            await tab.open(address)
            await tab.read("<img src=x onerror=document.title='owned'> </bdi><script>")

            shown = await tab.page.locator("main").inner_text()
            assert "\u202e" not in shown
            assert shown.count("!") < 100
            assert await tab.page.locator("main img, main script").count() == 0
            assert not await tab.is_wider_than_the_screen()
            if address != "/apps":
                await tab.press("Allow")
                await tab.answer()


async def test_even_markup_that_a_script_of_ours_would_let_through_is_refused_by_the_browser(
    open_tab: OpenTab, member: Account
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open("/apps")
        await tab.title("Apps and keys")

        refusal = await tab.page.evaluate(
            "() => { try { document.body.innerHTML = '<b>x</b>' } catch (error) { return error.name } }"
        )

        assert refusal == "TypeError"
        tab.faults = [fault for fault in tab.faults if "TrustedHTML" not in fault]


async def test_another_account_can_decide_instead(
    open_tab: OpenTab, member: Account, app: Client, people: People, site: Product
) -> None:
    other = await people.newcomer(site)
    async with open_tab(account=member) as tab:
        await tab.open(app.question())
        await tab.read(member.email)
        await tab.press("Use another account")
        await tab.fill("E-mail", other.email)
        await tab.fill("Password", other.password)
        await tab.press("Sign in")

        await tab.title(ASKED)
        await tab.read(other.email)


async def test_who_has_become_somebody_else_meanwhile_decides_anew(
    open_tab: OpenTab, member: Account, app: Client, people: People, site: Product
) -> None:
    other = Account(await people.browser(site), (await people.stranger(site)).email)
    assert (await other.sign_up()).status_code == 200
    async with open_tab(account=member) as tab:
        await tab.open(app.question())
        await tab.read(member.email)
        await tab.sign_in(other)
        await tab.press("Allow")
        await tab.read("Somebody else is signed in here now.")
        await tab.read(other.email)

        assert (await other.ask("GET", "oauth2/get-consents")).json() == []


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (lambda url: url.replace("todo%3Awrite", "email"), "This request is not valid"),
        (lambda url: re.sub(r"exp=\d+", "exp=1", url), "This request has expired"),
        (lambda url: url.partition("?")[0], "Nothing to decide"),
    ],
    ids=["changed", "expired", "nothing"],
)
async def test_a_question_that_cannot_be_answered_is_no_question(
    open_tab: OpenTab, member: Account, app: Client, change: Callable[[str], str], title: str
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open(app.question())
        await tab.title(ASKED)
        await tab.open(change(tab.page.url))

        await tab.title(title)


@pytest.mark.parametrize(
    "changed", [{"client_id": "nobody"}, {"redirect_uri": "https://elsewhere.example/callback"}]
)
async def test_an_app_that_cannot_be_told_what_is_wrong_leaves_the_person_a_plain_page(
    open_tab: OpenTab, member: Account, app: Client, changed: dict[str, str]
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open(app.question(**changed))

        await tab.title("This app cannot be connected")


@pytest.mark.parametrize(
    "address",
    ["javascript:document.title='owned'", "https://elsewhere.example/callback", "file:///etc/passwd"],
)
async def test_an_answer_that_leads_elsewhere_leads_nowhere(
    open_tab: OpenTab, member: Account, app: Client, address: str
) -> None:
    async with open_tab(account=member) as tab:
        await tab.page.route(
            "**/oauth2/consent", lambda route: route.fulfill(json={"redirect": True, "url": address})
        )
        await tab.open(app.question())
        await tab.press("Allow")
        await tab.read("The answer leads to an address where nobody should be sent.")

        assert tab.page.url.startswith(f"{tab.product.origin}/consent?")
        assert await tab.page.title() != "owned"


async def test_an_app_that_opened_a_window_gets_it_back(
    open_tab: OpenTab, member: Account, app: Client
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open(CALLBACK)
        async with tab.page.expect_popup() as opening:
            await tab.page.evaluate("(address) => { open(address) }", app.question())
        window = await opening.value
        await window.get_by_role("button", name="Allow", exact=True).click()
        await window.wait_for_url(lambda address: address.startswith(CALLBACK))

        assert await window.evaluate("opener !== null && opener.location.href") == CALLBACK
