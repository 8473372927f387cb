"""The page as an app of its own on somebody's device."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import BrowserContext, Page, async_playwright

from tests.e2e.pages.tab import PHONE, chromium_options
from tests.e2e.people import Account
from tests.e2e.product import Product


async def test_it_can_be_installed_and_then_starts_without_the_server(
    site: Product, member: Account, chromium: Path, tmp_path: Path
) -> None:
    await (await member.person()).make_todo("Buy milk")
    async with installed(chromium, tmp_path) as device:
        page = await device.new_page()
        await page.goto(site.origin)
        await page.get_by_label("E-mail").fill(member.email)
        await page.get_by_label("Password", exact=True).fill(member.password)
        await page.keyboard.press("Enter")
        await page.get_by_text("Buy milk").wait_for()
        await page.evaluate("navigator.serviceWorker.ready.then(() => {})")
        session = await device.new_cdp_session(page)
        hindrances = await session.send("Page.getInstallabilityErrors")
        manifest = await session.send("Page.getAppManifest")
        await is_kept(page, "Buy milk")

    async with installed(chromium, tmp_path, is_offline=True) as device:
        page = await device.new_page()
        await page.goto(manifest["manifest"]["startUrl"])
        await page.locator(".offline").wait_for()
        await page.get_by_text("Buy milk").wait_for()

    assert hindrances == {"installabilityErrors": []}
    assert manifest["errors"] == []
    assert (manifest["manifest"]["scope"], manifest["manifest"]["display"]) == (
        f"{site.origin}/",
        "kStandalone",
    )
    icons = {icon["sizes"] for icon in manifest["manifest"]["icons"]}
    assert icons >= {"192x192", "512x512"}


async def is_kept(page: Page, title: str) -> None:
    """Wait until the list is in the browser."""
    await page.wait_for_function(
        """async (title) => {
          const done = (asked) => new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result)));
          const database = await done(indexedDB.open("todo-page"));
          const list = await done(database.transaction("kept").objectStore("kept").get("list"));
          database.close();
          return list?.some((todo) => todo.title === title);
        }""",
        arg=title,
    )


@asynccontextmanager
async def installed(
    chromium: Path, profile: Path, *, is_offline: bool = False
) -> AsyncIterator[BrowserContext]:
    """Give a browser that remembers what it did before: nothing is installed in those of the other tests.

    It has to be a whole one: without what is around a tab, nothing would ever hinder an installation.
    """
    async with async_playwright() as playwright:
        device = await playwright.chromium.launch_persistent_context(
            profile / "profile",
            **chromium_options(chromium),
            viewport={"width": PHONE.width, "height": PHONE.height},
            locale=PHONE.language,
            offline=is_offline,
        )
        yield device
        await device.close()
