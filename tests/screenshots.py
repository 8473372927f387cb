"""Takes pictures of the page for the README; of every screen, if a folder is named for them."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

from tests.debian import find_or_install
from tests.e2e.pages.tab import PHONE, Screen, Tab, opened_tab, running_browser
from tests.e2e.people import Account, People, addresses
from tests.e2e.product import Product

FOR_README = Path(__file__).parents[1] / "docs/screenshots"
SCREENS = {
    "desktop-light": Screen(1120, 720),
    "desktop-dark": Screen(1120, 720, is_dark=True),
    "phone-light": PHONE,
    "phone-dark": Screen(PHONE.width, PHONE.height, is_dark=True),
}
TODOS = [
    ("Book the train to Lyon", "high", "Window seat, before noon"),
    ("Renew the passport", "urgent", "Photo, old passport, form"),
    ("Answer Mara about the garden", "medium", None),
    ("Water the plants", "medium", "The fern twice"),
    ("Read chapter four", "low", None),
    ("Return the library books", "medium", None),
    ("Plan the birthday dinner with everybody who said that they would come", "medium", None),
]


async def todos(tab: Tab) -> None:
    await tab.open("/")
    await tab.read("Book the train to Lyon")


async def welcome(tab: Tab) -> None:
    await tab.page.context.clear_cookies()
    await tab.open("/")
    await tab.title("Sign in")


async def editing(tab: Tab) -> None:
    await todos(tab)
    await tab.page.get_by_role("button", name="Renew the passport").first.click()
    await tab.page.get_by_label("Notes").wait_for()


async def undoing(tab: Tab) -> None:
    await todos(tab)
    await tab.press("Delete “Water the plants”")
    await tab.read("to the trash")
    await tab.press("Undo")
    await tab.is_sent()


async def selecting(tab: Tab) -> None:
    await todos(tab)
    await tab.press("Select")
    await tab.press("Select “Water the plants”", role="checkbox")


async def nothing_found(tab: Tab) -> None:
    await tab.open("/?q=quantum")
    await tab.title("Nothing found")


async def menu(tab: Tab) -> None:
    await todos(tab)
    await tab.page.get_by_label("Account and settings").click()


async def keys(tab: Tab) -> None:
    await todos(tab)
    await tab.page.keyboard.press("?")
    await tab.title("By keyboard")


async def account(tab: Tab) -> None:
    await tab.open("/account")
    await tab.read("This device")


async def apps(tab: Tab) -> None:
    await tab.open("/apps")
    await tab.read("You have no keys.")


async def offline(tab: Tab) -> None:
    await todos(tab)
    await tab.page.context.set_offline(offline=True)
    await tab.add("Thought of on the train !!")
    await tab.read("waits to be sent")


async def in_german(tab: Tab) -> None:
    await todos(tab)
    await tab.page.get_by_label("Account and settings").click()
    await tab.page.get_by_label("Language").select_option("de")
    await tab.page.get_by_label("Neue Aufgabe").wait_for()
    await tab.page.keyboard.press("Escape")


EVERYTHING: list[Callable[[Tab], Awaitable[None]]] = [
    todos, welcome, editing, undoing, selecting, nothing_found, menu, keys, account, apps, offline, in_german
]  # fmt: skip


async def take(folder: Path, states: list[Callable[[Tab], Awaitable[None]]]) -> None:
    """Take a picture of each state on each screen."""
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        product = stack.enter_context(closing(Product(Path(scratch) / "product")))
        product.start(TODO_TRUSTED_PROXIES="127.0.0.1")
        people = People(stack)
        member = Account(await people.browser(product), "mara@example.com")
        await member.sign_up()
        person = await member.person()
        for title, priority, description in reversed(TODOS):
            await person.make_todo(title, priority=priority, description=description)
        browser = await stack.enter_async_context(running_browser(find_or_install("chromium", "chromium")))
        for name, screen in SCREENS.items():
            for state in states:
                # From an address of its own each time: signing in often from one is refused.
                visitor = Account(await people.browser(product), member.email)
                async with opened_tab(
                    browser, product, next(addresses), account=visitor, screen=screen
                ) as tab:
                    await state(tab)
                    # It makes the folder itself.
                    await tab.page.screenshot(path=folder / f"{state.__name__}-{name}.png")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(take(Path(sys.argv[1]), EVERYTHING))
    else:
        asyncio.run(take(FOR_README, [todos]))
