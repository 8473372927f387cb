"""What holds for every page, in every state: it is ours alone, it fits, and everybody can use it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.e2e.oauth import Client
from tests.e2e.pages.tab import PHONE, OpenTab, Tab
from tests.e2e.people import PASSWORD, Account, People
from tests.e2e.product import Product

PAGES = ["/", "/docs", "/login", "/consent", "/account", "/apps", "/activity"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_loads_what_is_ours_alone_and_is_framed_nowhere(
    product: Product, people: People, path: str
) -> None:
    answer = await (await people.client(product)).get(path)

    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy.pop("img-src") in {"'self'", "'self' data:"}
    assert {name: value for name, value in policy.items() if "trusted-types" not in name} == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert ("require-trusted-types-for" in policy) is (path != "/docs")


async def test_pages_about_an_account_are_not_kept_and_leave_no_way_in_for_who_opened_them(
    product: Product, people: People
) -> None:
    client = await people.client(product)

    headers = {path: (await client.get(path)).headers for path in PAGES}

    said = {path: (its["cross-origin-opener-policy"], its["cache-control"]) for path, its in headers.items()}
    assert said == {
        "/": ("same-origin", "private, no-cache"),
        "/docs": ("same-origin", "private, no-cache"),
        "/account": ("same-origin", "no-store"),
        "/apps": ("same-origin", "no-store"),
        "/activity": ("same-origin", "no-store"),
        # An app may open these two in a window of its own.
        "/login": ("unsafe-none", "no-store"),
        "/consent": ("unsafe-none", "no-store"),
    }


@pytest.mark.parametrize(
    "path", ["/api/todos", "/api/auth/error", "/health/live", "/static/style.css", "/nowhere"]
)
async def test_what_is_no_page_may_load_nothing_should_a_browser_take_it_for_one(
    product: Product, people: People, path: str
) -> None:
    answer = await (await people.client(product)).get(path)

    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", PAGES)
async def test_a_browser_refuses_to_show_a_page_within_another(open_tab: OpenTab, path: str) -> None:
    async with open_tab() as tab:
        frame = f"<iframe src='{tab.product.origin}{path}'></iframe>"
        # Without this it would be refused for being a server on this computer.
        await tab.page.context.grant_permissions(["local-network-access"])
        await tab.page.route(
            "https://evil.example/", lambda route: route.fulfill(content_type="text/html", body=frame)
        )
        async with tab.page.expect_console_message(lambda message: "frame-ancestors 'none'" in message.text):
            await tab.open("https://evil.example/")

        tab.faults.clear()


@dataclass(frozen=True)
class Visit:
    """Somebody in front of a page, and an app that would like to be connected."""

    tab: Tab
    member: Account
    app: Client

    async def lists(self, *titles: str) -> None:
        """Have these todos, and look at the list."""
        person = await self.member.person()
        for title in reversed(titles):
            await person.make_todo(title, description="With a note", priority="high")
        await self.tab.open("/")
        await self.tab.lists(*titles)


async def start(visit: Visit) -> None:
    await visit.tab.page.context.clear_cookies()
    await visit.tab.open("/")
    await visit.tab.title("Sign in")


async def nothing_to_do(visit: Visit) -> None:
    await visit.tab.open("/")
    await visit.tab.title("Nothing to do")


async def something_to_do(visit: Visit) -> None:
    await visit.lists("Water the plants", "Awordaslongasitmaybe" * 10)
    await visit.tab.press("Delete “Water the plants”")
    await visit.tab.read("Moved “Water the plants” to the trash")


async def loading(visit: Visit) -> None:
    # Never answered.
    await visit.tab.page.route("**/api/todos?**", lambda _route: None)
    await visit.tab.open("/")
    await visit.tab.page.get_by_text("Loading …").wait_for(state="attached")


async def failed(visit: Visit) -> None:
    await visit.tab.page.route("**/api/todos?**", lambda route: route.abort())
    await visit.tab.open("/")
    await visit.tab.title("Your todos could not be loaded")


async def offline(visit: Visit) -> None:
    await visit.lists("Water the plants")
    await visit.tab.page.context.set_offline(offline=True)
    await visit.tab.add("Thought of on a train !!!")
    await visit.tab.read("1 change waits to be sent.")


async def editing(visit: Visit) -> None:
    await visit.lists("Water the plants", "Buy milk")
    await visit.tab.page.get_by_role("button", name="Water the plants High").click()
    await visit.tab.page.get_by_label("Notes").wait_for()


async def selecting(visit: Visit) -> None:
    await visit.lists("Water the plants", "Buy milk")
    await visit.tab.press("Select")
    await visit.tab.press("Select “Buy milk”", role="checkbox")
    await visit.tab.read("1 selected")


async def narrowing(visit: Visit) -> None:
    await visit.lists("Water the plants")
    await visit.tab.page.get_by_label("Priority: Any priority").click()
    await visit.tab.page.get_by_label("Low", exact=True).check()
    await visit.tab.title("Nothing found")


async def trash(visit: Visit) -> None:
    await visit.lists("Water the plants")
    await visit.tab.press("Delete “Water the plants”")
    await visit.tab.press("Trash")
    await visit.tab.lists("Water the plants")


async def menu(visit: Visit) -> None:
    await nothing_to_do(visit)
    await visit.tab.page.get_by_label("Account and settings").click()
    await visit.tab.page.get_by_label("Language").wait_for()


async def keys(visit: Visit) -> None:
    await nothing_to_do(visit)
    await visit.tab.page.keyboard.press("?")
    await visit.tab.title("By keyboard")


async def sign_in(visit: Visit) -> None:
    await visit.tab.page.context.clear_cookies()
    await visit.tab.open("/login")
    await visit.tab.title("Sign in")


async def sign_up(visit: Visit) -> None:
    await visit.tab.page.context.clear_cookies()
    await visit.tab.open(visit.app.question())
    await visit.tab.press("Create an account", role="link")
    await visit.tab.title("Create an account")


async def refused_sign_in(visit: Visit) -> None:
    await sign_in(visit)
    await visit.tab.enter("nobody@example.com", "not the password")
    await visit.tab.read("do not go together")


async def code(visit: Visit) -> None:
    await visit.member.use_second_factor()
    await sign_in(visit)
    await visit.tab.enter(visit.member.email, visit.member.password)
    await visit.tab.title("Two-factor sign-in")
    await visit.tab.fill("Code", "000000")
    await visit.tab.press("Sign in")
    await visit.tab.read("The code is not right.")


async def signed_in(visit: Visit) -> None:
    await visit.tab.open("/login")
    await visit.tab.title("You are signed in")


async def asked(visit: Visit) -> None:
    scope = "openid profile email todo:read todo:write offline_access"
    await visit.tab.open(visit.app.question(scope=scope))
    await visit.tab.read("It asks to")


async def over(visit: Visit) -> None:
    await visit.tab.open("/consent")
    await visit.tab.title("Nothing to decide")


async def nothing_connected(visit: Visit) -> None:
    await visit.tab.open("/apps")
    await visit.tab.read("No app is connected.")


async def connected(visit: Visit) -> None:
    await visit.tab.open(visit.app.question())
    await visit.tab.press("Allow")
    await visit.tab.answer()
    await visit.tab.open("/apps")
    await visit.tab.fill("Name", "A name as long as it may be. " * 3)
    await visit.tab.press("Create key")
    await visit.tab.title("Copy the key now")


async def unsure_of_an_app(visit: Visit) -> None:
    await connected(visit)
    await visit.tab.press("Disconnect Some agent")
    await visit.tab.page.get_by_role("dialog").wait_for()


async def account(visit: Visit) -> None:
    await visit.tab.open("/account")
    await visit.tab.read("This device")


async def second_factor(visit: Visit) -> None:
    await account(visit)
    await visit.tab.page.locator("#two-factor-password").fill(PASSWORD)
    await visit.tab.press("Turn on")
    await visit.tab.title("Scan this with your authenticator app")


async def unsure_of_the_account(visit: Visit) -> None:
    await account(visit)
    await visit.tab.press("Delete account")
    await visit.tab.page.get_by_role("dialog").wait_for()


async def activity(visit: Visit) -> None:
    person = await visit.member.person()
    key = await person.post("/api/keys", json={"name": "Long" * 25, "scopes": ["todo:read", "todo:write"]})
    todo = await person.make_todo("Awordaslongasitmaybe" * 10)
    done = await visit.member.client.patch(
        f"/api/todos/{todo['id']}/complete", headers={"x-api-key": key.json()["key"]}
    )
    assert done.status_code == 200
    await visit.tab.open("/activity")
    await visit.tab.read("Completed “")


async def documentation(visit: Visit) -> None:
    await visit.tab.open("/docs")
    await visit.tab.page.locator(".opblock").first.wait_for()


async def unreachable(visit: Visit) -> None:
    await visit.tab.page.route("**/connected-apps", lambda route: route.abort())
    await visit.tab.open("/apps")
    await visit.tab.press("Try again")
    await visit.tab.read("The server cannot be reached.")


STATES = [
    start,
    nothing_to_do,
    something_to_do,
    loading,
    failed,
    offline,
    editing,
    selecting,
    narrowing,
    trash,
    menu,
    keys,
    sign_in,
    sign_up,
    refused_sign_in,
    code,
    signed_in,
    asked,
    over,
    nothing_connected,
    connected,
    unsure_of_an_app,
    account,
    second_factor,
    unsure_of_the_account,
    activity,
    documentation,
    unreachable,
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_nothing_keeps_anybody_out_and_a_phone_shows_it_all(
    open_tab: OpenTab, member: Account, app: Client, state: Callable[[Visit], Awaitable[None]]
) -> None:
    async with open_tab(account=member, screen=PHONE) as tab:
        await state(Visit(tab, member, app))

        assert await tab.barriers() == ""
        assert not await tab.is_wider_than_the_screen()
        assert not await tab.is_dark()
        await tab.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        # What else there is to say does not depend on the light.
        assert await tab.barriers(rule="color-contrast") == ""
        assert await tab.is_dark()


async def test_nothing_moves_under_the_pointer(open_tab: OpenTab, member: Account, app: Client) -> None:
    person = await member.person()
    async with open_tab(account=member) as tab:
        visit = Visit(tab, member, app)
        await tab.page.add_init_script(MOVED)
        moved = {}
        for state in (nothing_to_do, signed_in, asked, nothing_connected, account):
            await state(visit)
            moved[state.__name__] = await tab.page.evaluate("moved()")
        todos = [{"title": f"Todo {n} " * (1 + n % 20)} for n in range(600)]
        file = {"format": "todo-evolution", "version": 1, "todos": todos}
        assert (await person.post("/api/account/import", json=file)).status_code == 200
        await tab.open("/")
        await tab.read("600 todos")
        moved["a full list"] = await tab.page.evaluate("moved()")
        for _ in range(20):
            await tab.page.mouse.wheel(0, 900)
            await tab.page.evaluate("moved()")
        moved["scrolling"] = await tab.page.evaluate("moved()")

        assert {name: shift for name, shift in moved.items() if shift > 0} == {}
        assert await tab.page.evaluate("scrollY") > 10_000


# Layout shifts as browsers count them: those that nobody caused by pressing or typing something.
MOVED = """
let sum = 0;
const watch = new PerformanceObserver((list) => take(list.getEntries()));
const take = (entries) => { for (const entry of entries) if (!entry.hadRecentInput) sum += entry.value; };
watch.observe({ type: "layout-shift", buffered: true });
window.moved = async () => {
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn))));
  take(watch.takeRecords());
  return sum;
};
"""
