"""The page /: a person keeps their todos."""

from uuid import uuid4

from tests.e2e.pages.tab import OpenTab
from tests.e2e.people import PASSWORD


async def test_from_signing_up_to_signing_out(open_tab: OpenTab) -> None:
    async with open_tab() as tab:
        await tab.open("/")
        await tab.press("Create an account", role="link")
        await tab.fill("E-mail", f"new-{uuid4().hex}@example.com")
        await tab.fill("Password", PASSWORD)
        await tab.press("Create an account")
        await tab.title("Nothing to do")
        await tab.add("Water the plants !high")
        await tab.add("Buy milk")
        await tab.press("Complete “Water the plants”", role="checkbox")
        await tab.read("Completed “Water the plants”")
        await tab.lists("Buy milk")

        await tab.press("Done")
        await tab.lists("Water the plants")
        await tab.fill("Search", "milk")
        await tab.title("Nothing found")
        await tab.press("Show everything")
        await tab.lists("Water the plants")
        await tab.press("To do")
        await tab.press("Delete “Buy milk”")
        await tab.title("Nothing to do")
        await tab.press("Undo")
        await tab.lists("Buy milk")
        await tab.sign_out()
        await tab.title("Sign in")

        assert "Buy milk" not in await tab.page.content()
