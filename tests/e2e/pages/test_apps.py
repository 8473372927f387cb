"""The page /apps: what may act for a person, and how they end it."""

from uuid import UUID

from tests.e2e.pages.tab import OpenTab, RegisterApp, Tab
from tests.e2e.people import Account, subject_of
from tests.e2e.product import Product
from todo.database.engine import connect


async def make_key(tab: Tab, name: str) -> str:
    await tab.fill("Name", name)
    await tab.press("Create key")
    await tab.title("Copy the key now")
    return await tab.page.locator("#made-key").inner_text()


async def test_a_key_is_shown_once_works_tells_its_last_use_and_ends(
    open_tab: OpenTab, member: Account
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open("/apps")
        await tab.read("You have no keys.")
        key = {"x-api-key": await make_key(tab, "Laptop")}
        await tab.read("never used")
        worked = await member.client.get("/api/todos", headers=key)

        await tab.open("/apps")
        await tab.read("last used just now")
        seen = await tab.page.content()
        await tab.press("Revoke Laptop")
        await tab.press("Revoke")
        await tab.read("You have no keys.")
        refused = await member.client.get("/api/todos", headers=key)

        assert (worked.status_code, refused.status_code) == (200, 401)
        assert key["x-api-key"] not in seen


async def test_a_key_is_made_as_it_was_asked_for(open_tab: OpenTab, member: Account) -> None:
    async with open_tab(account=member) as tab:
        await tab.open("/apps")
        await tab.page.get_by_label("May").select_option(label="only see")
        await tab.page.get_by_label("Expires").select_option(label="in a year")
        key = {"x-api-key": await make_key(tab, "Reader")}
        await tab.read("Only sees todos")

        reads = await member.client.get("/api/todos", headers=key)
        writes = await member.client.post("/api/todos", headers=key, json={"title": "No"})

        assert (reads.status_code, writes.status_code) == (200, 403)
        [listed] = (await (await member.person()).get("/api/keys")).json()["items"]
        assert int(listed["expires_at"][:4]) == int(listed["created_at"][:4]) + 1


async def test_who_thinks_again_keeps_the_key(open_tab: OpenTab, member: Account) -> None:
    async with open_tab(account=member) as tab:
        await tab.open("/apps")
        key = {"x-api-key": await make_key(tab, "Laptop")}
        await tab.press("Revoke Laptop")
        await tab.page.keyboard.press("Escape")
        await tab.press("Revoke Laptop")
        await tab.page.keyboard.press("Enter")
        await tab.page.get_by_role("dialog").wait_for(state="hidden")

        assert (await member.client.get("/api/todos", headers=key)).status_code == 200


async def test_a_key_that_has_expired_is_said_to_be_of_no_use(
    open_tab: OpenTab, member: Account, site: Product
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open("/apps")
        await make_key(tab, "Old laptop")
        async with connect(site.owner_url) as owner:
            past = "created_at = created_at - interval '1 year', expires_at = now() - interval '1 day'"
            owner_id = UUID(subject_of(await member.token()))
            await owner.execute(f"UPDATE api_keys SET {past} WHERE user_id = $1", owner_id)

        await tab.open("/apps")

        await tab.read("Expired: it opens nothing any more")


async def test_an_app_is_listed_with_its_home_and_what_it_may_do_and_since_when(
    open_tab: OpenTab, member: Account, register_app: RegisterApp
) -> None:
    address = "https://agent.example/callback"
    app = await register_app(redirect_uri=address)
    async with open_tab(account=member) as tab:
        await tab.page.route("https://agent.example/**", lambda route: route.fulfill(body="the app"))
        await tab.open(app.question())
        await tab.press("Allow")
        await tab.page.wait_for_url(lambda url: url.startswith(address))
        await tab.open("/apps")
        await tab.title("Some agent")

        row = await tab.page.get_by_role("listitem").filter(has_text="Some agent").inner_text()

        assert "agent.example" in row
        assert "See your todos" in row
        assert "Add, change and delete your todos" in row
        assert "Connected " in row


async def test_an_access_token_that_ran_out_is_renewed_behind_the_page(
    open_tab: OpenTab, member: Account
) -> None:
    async with open_tab(account=member) as tab:
        await tab.page.route(
            "**/api/auth/token",
            lambda route: route.fulfill(json={"token": "e30.eyJpYXQiOjAsImV4cCI6NjAwfQ.x"}),
            times=1,
        )
        await tab.open("/apps")

        await tab.read("You have no keys.")


async def test_who_is_not_signed_in_is_led_to_sign_in_and_back(open_tab: OpenTab, member: Account) -> None:
    async with open_tab() as tab:
        await tab.open("/apps")
        await tab.title("Sign in")
        await tab.fill("E-mail", member.email)
        await tab.fill("Password", member.password)
        await tab.press("Sign in")

        await tab.title("Apps and keys")


async def test_going_back_after_signing_out_shows_nothing_of_the_account(
    open_tab: OpenTab, member: Account
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open("/")
        await tab.open("/apps")
        await tab.read("You have no keys.")
        await tab.sign_out()
        await tab.title("Sign in")
        await tab.open("/docs")
        await tab.page.go_back()

        await tab.title("Sign in")
        assert "You have no keys." not in await tab.page.content()


async def test_what_cannot_be_loaded_is_said_and_can_be_tried_again(
    open_tab: OpenTab, member: Account
) -> None:
    async with open_tab(account=member) as tab:
        await tab.page.route("**/connected-apps", lambda route: route.abort(), times=1)
        await tab.open("/apps")
        await tab.read("The server cannot be reached. Try again in a moment.")
        await tab.press("Try again")

        await tab.read("No app is connected.")
