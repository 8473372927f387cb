"""The page /login, as a person uses it."""

from uuid import uuid4

import pytest

from tests.e2e.oauth import Client
from tests.e2e.pages.tab import OpenTab
from tests.e2e.people import PASSWORD, Account

EVERYTHING_KEPT = """async () => {
  const done = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const kept = [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    for (const store of database.objectStoreNames)
      kept.push(JSON.stringify(await done(database.transaction(store).objectStore(store).getAll())));
    database.close();
  }
  return kept;
}"""


async def test_somebody_new_signs_up_out_and_in_again(open_tab: OpenTab) -> None:
    email = f"new-{uuid4().hex}@example.com"
    async with open_tab() as tab:
        await tab.open("/login")
        await tab.press("Create an account", role="link")
        await tab.enter(email, PASSWORD, "Create an account")
        await tab.title("Todos")
        await tab.sign_out()
        await tab.title("Sign in")
        await tab.enter(email, PASSWORD, "Sign in")

        await tab.title("Todos")


async def test_the_keyboard_is_enough(open_tab: OpenTab, member: Account) -> None:
    async with open_tab() as tab:
        await tab.open("/login")
        await tab.page.wait_for_function("() => document.activeElement.id === 'email'")
        await tab.page.keyboard.type(member.email)
        await tab.page.keyboard.press("Tab")
        await tab.page.keyboard.type(member.password)
        await tab.page.keyboard.press("Enter")

        await tab.title("Todos")


async def test_a_password_manager_is_told_a_kept_password_from_a_new_one(open_tab: OpenTab) -> None:
    async with open_tab() as tab:
        field = tab.page.get_by_label("Password", exact=True)
        await tab.open("/login")
        await tab.title("Sign in")
        kept = await field.get_attribute("autocomplete")
        await tab.press("Create an account", role="link")
        await tab.title("Create an account")

        new = await field.get_attribute("autocomplete")

        email = await tab.page.get_by_label("E-mail").get_attribute("autocomplete")
        assert (email, kept, new) == ("username", "current-password", "new-password")


async def test_a_wrong_password_is_said_aloud_and_can_be_typed_again_at_once(
    open_tab: OpenTab, member: Account
) -> None:
    async with open_tab() as tab:
        await tab.open("/login")
        await tab.enter(member.email, "not the password", "Sign in")
        alert = tab.page.get_by_role("alert").filter(has_text="do not go together")
        await alert.wait_for()
        await tab.page.wait_for_function("() => document.activeElement.id === 'password'")
        await tab.enter(member.email, member.password, "Sign in")

        await tab.title("Todos")


async def test_too_many_attempts_are_told_how_long_to_wait(open_tab: OpenTab) -> None:
    async with open_tab() as tab:
        await tab.open("/login")
        for _ in range(3):
            await tab.enter("nobody@example.com", "not the password", "Sign in")
            await tab.read("do not go together")
            await tab.page.wait_for_function("() => document.getElementById('form').ariaBusy === 'false'")
        await tab.press("Sign in")

        words = await tab.page.get_by_role("alert").filter(has_text="Too many attempts").text_content()

        assert words is not None
        assert 0 < int(words.split()[4]) <= 10
        assert await tab.page.locator("#submit").get_attribute("aria-disabled") == "true"


async def test_an_email_that_is_taken_is_said_plainly(open_tab: OpenTab, member: Account) -> None:
    async with open_tab() as tab:
        await tab.open("/login#create")
        await tab.enter(member.email, PASSWORD, "Create an account")

        await tab.read("There is an account with this e-mail already. Sign in instead.")


async def test_a_server_that_is_away_is_said_plainly_and_does_not_lose_what_was_typed(
    open_tab: OpenTab, member: Account
) -> None:
    async with open_tab() as tab:
        await tab.open("/login")
        await tab.title("Sign in")
        await tab.page.context.set_offline(offline=True)
        await tab.enter(member.email, member.password, "Sign in")
        await tab.read("The server cannot be reached. Try again in a moment.")
        await tab.page.context.set_offline(offline=False)
        await tab.press("Sign in")

        await tab.title("Todos")


async def test_nothing_that_lets_somebody_in_is_left_where_scripts_can_read_it(
    open_tab: OpenTab, member: Account
) -> None:
    async with open_tab() as tab:
        await tab.open("/login")
        await tab.enter(member.email, member.password, "Sign in")
        await tab.title("Todos")

        kept = str(await tab.page.evaluate(EVERYTHING_KEPT))

        assert member.email in kept
        assert member.password not in kept
        assert "eyJ" not in kept
        for cookie in await tab.page.context.cookies():
            assert cookie["value"] not in kept


@pytest.mark.parametrize(
    "query",
    ["to=https://evil.example", "redirect_uri=https://evil.example", "redirect=//evil.example", "error=x"],
)
async def test_no_address_sends_a_person_elsewhere_after_signing_in(
    open_tab: OpenTab, member: Account, query: str
) -> None:
    async with open_tab() as tab:
        await tab.open(f"/login?{query}")
        await tab.enter(member.email, member.password, "Sign in")
        await tab.title("Todos")

        assert all(address.startswith(f"{tab.product.origin}/") for address in tab.visited)


async def test_who_is_signed_in_already_need_not_do_it_again(open_tab: OpenTab, member: Account) -> None:
    async with open_tab(account=member) as tab:
        await tab.open("/login")

        await tab.title("You are signed in")


async def test_a_question_that_was_changed_is_not_answered_by_signing_in(
    open_tab: OpenTab, app: Client
) -> None:
    async with open_tab() as tab:
        await tab.open(app.question())
        await tab.title("Sign in")
        await tab.open(tab.page.url.replace("todo%3Aread", "todo%3Aeverything"))

        await tab.title("This request is not valid")


async def test_signing_up_for_an_app_leads_on_to_its_question(open_tab: OpenTab, app: Client) -> None:
    async with open_tab() as tab:
        await tab.open(app.question())
        await tab.read("An app wants to use your todos.")
        await tab.press("Create an account", role="link")
        await tab.enter(f"new-{uuid4().hex}@example.com", PASSWORD, "Create an account")

        await tab.title("Allow a program on this computer to use your todos?")


async def test_a_server_that_takes_no_new_people_says_so(open_tab: OpenTab) -> None:
    async with open_tab() as tab:
        # That such a server says this is tested where one is started; here, what the page makes of it.
        refusal = {"code": "EMAIL_PASSWORD_SIGN_UP_DISABLED", "message": "Sign up is not enabled"}
        await tab.page.route("**/sign-up/email", lambda route: route.fulfill(status=400, json=refusal))
        await tab.open("/login#create")
        await tab.enter(f"new-{uuid4().hex}@example.com", PASSWORD, "Create an account")

        await tab.read("This server takes no new accounts. Ask the person who runs it.")
