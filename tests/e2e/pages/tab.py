"""A person's browser, as far as a test has to say: Debian's Chromium, and what goes on in one of its tabs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Route,
    async_playwright,
)

from tests.e2e.oauth import CALLBACK, Client, answer_in
from tests.e2e.people import Account
from tests.e2e.product import Product

# One that speaks to nobody but the product.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_LONGEST_WAIT_MILLISECONDS = 20_000
_DARKEST_GREYS = 64
# An answer that refuses is no fault of the page.
_REFUSED = "Failed to load resource"
# Nor is it one that a test allows no worker.
_NOT_ALLOWED = "Service Worker registration blocked by Playwright"
_SESSION = "todo.session_token"
_FROM_NOWHERE = ("data", "blob")

OpenTab = Callable[..., AbstractAsyncContextManager["Tab"]]
RegisterApp = Callable[..., Awaitable[Client]]


@dataclass(frozen=True)
class Screen:
    """What somebody looks at, and the language they read."""

    width: int = 1280
    height: int = 800
    is_dark: bool = False
    language: str = "en-GB"


PHONE = Screen(360, 740)


class Tab:
    """One tab of somebody's browser; what it should not do is held against it at the end."""

    def __init__(self, product: Product, page: Page) -> None:
        self.product = product
        self.page = page
        self.faults: list[str] = []
        self.visited: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._watch)

    async def open(self, address: str) -> None:
        """Go to a page of the product, or wherever a question of an app leads."""
        await self.page.goto(urljoin(self.product.origin, address))

    async def sign_in(self, account: Account) -> None:
        """Be signed in, in the session that is open, without the detour by the page."""
        if _SESSION not in account.client.cookies:
            assert (await account.sign_in()).status_code == 200
        value = account.client.cookies[_SESSION]
        await self.page.context.add_cookies(
            [{"name": _SESSION, "value": value, "url": self.product.origin, "httpOnly": True}]
        )

    async def sign_out(self) -> None:
        """Sign out by the menu."""
        await self.page.get_by_label("Account and settings").click()
        await self.press("Sign out")

    async def enter(self, email: str, password: str, button: str = "Sign in") -> None:
        """Fill in who one is, and press the button."""
        await self.fill("E-mail", email)
        await self.fill("Password", password)
        await self.press(button)

    async def press(self, name: str, *, role: str = "button") -> None:
        """Press what has this name."""
        await self.page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type]  # a role

    async def fill(self, label: str, text: str) -> None:
        """Fill in the field with this label."""
        await self.page.get_by_label(label, exact=True).fill(text)

    async def read(self, words: str) -> None:
        """Wait until the page says this."""
        await self.page.get_by_text(words).filter(visible=True).first.wait_for()

    async def title(self, words: str) -> None:
        """Wait until this is the heading."""
        await self.page.get_by_role("heading", name=words, exact=True).wait_for()

    async def add(self, line: str) -> None:
        """Add a todo by the line at the top."""
        await self.fill("New todo", line)
        await self.page.keyboard.press("Enter")

    async def lists(self, *titles: str, within_seconds: float | None = None) -> None:
        """Wait until exactly these todos are shown, in this order."""
        await self.page.wait_for_function(
            "(wanted) => JSON.stringify([...document.querySelectorAll('.row .title')]"
            ".map((title) => title.textContent)) === JSON.stringify(wanted)",
            arg=list(titles),
            timeout=within_seconds * 1000 if within_seconds else _LONGEST_WAIT_MILLISECONDS,
        )

    async def focus_is_on(self, title: str) -> None:
        """Wait until the keyboard is at this todo."""
        await self.page.wait_for_function(
            "(title) => document.activeElement.closest('.row')?.querySelector('.title')"
            "?.textContent === title",
            arg=title,
        )

    async def hears(self, words: str) -> None:
        """Wait until this is what a screen reader was told last."""
        # What was said last may be said again, and differs then in a space at its end.
        await self.page.wait_for_function(
            "(words) => document.getElementById('said').textContent.trim() === words", arg=words
        )

    async def focus_is_on_element(self, selector: str) -> None:
        """Wait until the keyboard is at what this selects."""
        await self.page.wait_for_function("(it) => document.activeElement?.matches(it)", arg=selector)

    async def is_sent(self) -> None:
        """Wait until the server has confirmed everything."""
        await self.page.locator("main:not([data-waiting])").wait_for()

    async def is_live(self) -> None:
        """Wait until the page hears of changes."""
        await self.page.locator("main[data-live]").wait_for()

    async def answer(self) -> dict[str, str]:
        """Wait until the app has got its answer, and give it."""
        await self.page.wait_for_url(lambda address: address.startswith(CALLBACK))
        return answer_in(self.page.url)

    async def is_wider_than_the_screen(self) -> bool:
        """Whether one would have to scroll sideways."""
        return bool(
            await self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    async def is_dark(self) -> bool:
        """Whether the page is light on dark."""
        background = await self.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        return max(map(int, background[4:-1].split(","))) < _DARKEST_GREYS

    async def barriers(self, *, rule: str | None = None) -> str:
        """Give what keeps people out, as axe says by all its rules or by one; nothing if there is none."""
        # What it would fetch for itself helps with videos alone.
        options = {"preload": False, **({"runOnly": [rule]} if rule else {})}
        results = await Axe().run(self.page, options=options)
        return "" if results.violations_count == 0 else results.generate_report()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith((_REFUSED, _NOT_ALLOWED)):
            self.faults.append(message.text)

    def _watch(self, request: Request) -> None:
        address = urlsplit(request.url)
        is_ours = request.url.startswith(f"{self.product.origin}/") or address.scheme in _FROM_NOWHERE
        if request.is_navigation_request():
            self.visited.append(request.url)
        elif not is_ours:
            self.faults.append(f"asked another host: {request.url}")


def chromium_options(chromium: Path) -> dict[str, Any]:
    """Give what every browser is started with."""
    return {"executable_path": chromium, "args": _ARGUMENTS}


@asynccontextmanager
async def running_browser(chromium: Path) -> AsyncIterator[Browser]:
    """Give a browser with a profile of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**chromium_options(chromium))
        yield browser
        await browser.close()


@asynccontextmanager
async def opened_tab(  # noqa: PLR0913  # what tabs may differ in
    browser: Browser,
    product: Product,
    address: str,
    *,
    account: Account | None = None,
    screen: Screen = Screen(),
    keeps_pages: bool = False,
) -> AsyncIterator[Tab]:
    """Give a tab in which nobody was before, signed in or not; `address` is where in the network it is."""
    context = await browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        color_scheme="dark" if screen.is_dark else "light",
        reduced_motion="reduce",
        locale=screen.language,
        service_workers="allow" if keeps_pages else "block",
        extra_http_headers={"x-forwarded-for": address},
    )
    context.set_default_timeout(_LONGEST_WAIT_MILLISECONDS)
    await context.route(f"{CALLBACK}*", _be_the_app)
    tab = Tab(product, await context.new_page())
    if account:
        await tab.sign_in(account)
    try:
        yield tab
    finally:
        await context.close()
    assert not tab.faults, tab.faults


async def _be_the_app(route: Route) -> None:
    await route.fulfill(content_type="text/html", body="<!doctype html><title>App</title>You can go back.")
