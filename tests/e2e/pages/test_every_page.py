"""What holds for every page, in every state: it is ours alone, it fits, and everybody can use it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.e2e.oauth import Client
from tests.e2e.pages.tab import PHONE, OpenTab, Tab
from tests.e2e.people import PASSWORD, Account, People
from tests.e2e.product import Product

PAGES = ["/", "/docs", "/login", "/consent", "/account", "/apps"]


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


async def start(tab: Tab, _app: Client) -> None:
    await tab.page.context.clear_cookies()
    await tab.open("/")
    await tab.title("Sign in")


async def nothing_to_do(tab: Tab, _app: Client) -> None:
    await tab.open("/")
    await tab.title("Nothing to do")


async def something_to_do(tab: Tab, _app: Client) -> None:
    await nothing_to_do(tab, _app)
    for title in ("Water the plants !!!", "A word as long as it may be".replace(" ", "") * 7):
        await tab.fill("New todo", title)
        await tab.page.keyboard.press("Enter")
    await tab.press("Delete “Water the plants”")
    await tab.read("Moved “Water the plants” to the trash")


async def keys(tab: Tab, _app: Client) -> None:
    await nothing_to_do(tab, _app)
    await tab.page.evaluate("document.activeElement.blur()")
    await tab.page.keyboard.press("?")
    await tab.title("By keyboard")


async def sign_in(tab: Tab, _app: Client) -> None:
    await tab.page.context.clear_cookies()
    await tab.open("/login")
    await tab.title("Sign in")


async def sign_up(tab: Tab, app: Client) -> None:
    await tab.page.context.clear_cookies()
    await tab.open(app.question())
    await tab.press("Create an account", role="link")
    await tab.title("Create an account")


async def refused_sign_in(tab: Tab, app: Client) -> None:
    await sign_in(tab, app)
    await tab.fill("E-mail", "nobody@example.com")
    await tab.fill("Password", "not the password")
    await tab.press("Sign in")
    await tab.read("do not go together")


async def signed_in(tab: Tab, _app: Client) -> None:
    await tab.open("/login")
    await tab.title("You are signed in")


async def asked(tab: Tab, app: Client) -> None:
    scope = "openid profile email todo:read todo:write offline_access"
    await tab.open(app.question(scope=scope))
    await tab.read("It asks to")


async def over(tab: Tab, _app: Client) -> None:
    await tab.open("/consent")
    await tab.title("Nothing to decide")


async def nothing_connected(tab: Tab, _app: Client) -> None:
    await tab.open("/apps")
    await tab.read("No app is connected.")


async def connected(tab: Tab, app: Client) -> None:
    await tab.open(app.question())
    await tab.press("Allow")
    await tab.answer()
    await tab.open("/apps")
    await tab.fill("Name", "A name as long as it may be. " * 3)
    await tab.press("Create key")
    await tab.title("Copy the key now")


async def account(tab: Tab, _app: Client) -> None:
    await tab.open("/account")
    await tab.read("This device")
    await tab.page.locator("#two-factor-password").fill(PASSWORD)
    await tab.press("Turn on")
    await tab.title("Scan this with your authenticator app")


async def unsure(tab: Tab, app: Client) -> None:
    await connected(tab, app)
    await tab.press("Disconnect Some agent")
    await tab.page.get_by_role("dialog").wait_for()


async def unreachable(tab: Tab, _app: Client) -> None:
    await tab.page.route("**/connected-apps", lambda route: route.abort())
    await tab.open("/apps")
    await tab.press("Try again")
    await tab.read("The server cannot be reached.")


STATES = [
    start,
    nothing_to_do,
    something_to_do,
    keys,
    sign_in,
    sign_up,
    refused_sign_in,
    signed_in,
    asked,
    over,
    nothing_connected,
    connected,
    unsure,
    account,
    unreachable,
]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_nothing_keeps_anybody_out_and_a_phone_shows_it_all(
    open_tab: OpenTab,
    member: Account,
    app: Client,
    state: Callable[[Tab, Client], Awaitable[None]],
    dark: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    async with open_tab(account=member, screen=replace(PHONE, is_dark=dark)) as tab:
        await state(tab, app)

        assert await tab.barriers() == ""
        assert not await tab.is_wider_than_the_screen()
        background = await tab.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (max(map(int, background[4:-1].split(","))) < 64) is dark


async def test_nothing_moves_under_the_pointer_while_a_page_arrives(
    open_tab: OpenTab, member: Account, app: Client
) -> None:
    async with open_tab(account=member) as tab:
        await tab.page.add_init_script(
            "window.moved = 0; new PerformanceObserver((list) => { for (const entry of list.getEntries()) "
            "window.moved += entry.value; }).observe({ type: 'layout-shift', buffered: true });"
        )
        moved = {}
        for state in (nothing_to_do, signed_in, asked, nothing_connected):
            await state(tab, app)
            moved[state.__name__] = await tab.page.evaluate(
                "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(window.moved))))"
            )

        assert {name: shift for name, shift in moved.items() if shift > 0.01} == {}
