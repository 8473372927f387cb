"""The page /account: passwords, second factors, passkeys, sessions, and what one takes along or leaves."""

from pathlib import Path

from tests.e2e.oauth import Client
from tests.e2e.pages.tab import OpenTab, Tab
from tests.e2e.people import Account, People, code_of
from tests.e2e.product import Product

NEW_PASSWORD = "another long password"  # noqa: S105  # of somebody who does not exist


async def test_a_second_factor_is_asked_for_also_before_an_app(
    open_tab: OpenTab, member: Account, app: Client
) -> None:
    async with open_tab(account=member) as tab:
        await tab.open("/account")
        await tab.page.locator("#two-factor-password").fill(member.password)
        await tab.press("Turn on")
        secret = await tab.page.locator("#totp-secret").inner_text()
        kept_codes = (await tab.page.locator("#backup-codes").inner_text()).split()
        await tab.fill("Code", "000000")
        await tab.press("Confirm")
        await tab.read("The code is not right.")
        await tab.fill("Code", code_of(secret))
        await tab.press("Confirm")
        await tab.read("It is on: signing in takes a code too.")
        await tab.sign_out()

    async with open_tab() as tab:
        await tab.open(app.question())
        await tab.enter(member.email, member.password)
        await tab.title("Two-factor sign-in")
        assert (await tab.page.request.get(f"{tab.product.origin}/api/auth/token")).status == 401
        await tab.press("Use a backup code")
        await tab.fill("Backup code", kept_codes[0])
        await tab.press("Sign in")
        await tab.title("Allow a program on this computer to use your todos?")

    async with open_tab() as tab:
        await tab.open("/")
        await tab.enter(member.email, member.password)
        await tab.fill("Code", code_of(secret))
        await tab.press("Sign in")
        await tab.title("Nothing to do")


async def test_a_passkey_signs_in_without_a_password(open_tab: OpenTab, member: Account, app: Client) -> None:
    async with open_tab(account=member) as tab:
        await plug_in_authenticator(tab)
        await tab.open("/account")
        await tab.fill("Name of the passkey", "Fingerprint")
        await tab.press("Add passkey")
        await tab.title("Fingerprint")
        await tab.sign_out()
        await tab.press("Use a passkey")
        await tab.title("Nothing to do")
        await tab.sign_out()
        await tab.open(app.question())
        await tab.press("Use a passkey")
        await tab.title("Allow a program on this computer to use your todos?")


async def test_a_password_is_changed_and_other_devices_are_signed_out(
    open_tab: OpenTab, member: Account, people: People, site: Product
) -> None:
    elsewhere = await people.again(site, member)
    async with open_tab(account=member) as tab:
        await tab.open("/account")
        await tab.read("This device")
        await tab.page.locator("#password-now").fill(member.password)
        await tab.page.locator("#password-new").fill(NEW_PASSWORD)
        await tab.press("Change password")
        await tab.read("The password is changed.")

        assert (await elsewhere.ask("GET", "token")).status_code == 401
        assert (await member.sign_in(NEW_PASSWORD)).status_code == 200


async def test_a_session_elsewhere_is_seen_and_ended(
    open_tab: OpenTab, member: Account, people: People, site: Product
) -> None:
    async with open_tab(account=member) as tab:
        elsewhere = await people.again(site, member)
        await tab.open("/account")
        await tab.page.get_by_role("button", name="Sign out python-httpx").first.click()
        await tab.page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
        await tab.page.get_by_role("dialog").wait_for(state="hidden")

        assert (await elsewhere.ask("GET", "token")).status_code == 401


async def test_all_of_it_is_taken_along_and_then_nothing_is_left(
    open_tab: OpenTab, member: Account, tmp_path: Path
) -> None:
    await (await member.person()).make_todo("To be kept")
    async with open_tab(account=member) as tab:
        await tab.open("/account")
        async with tab.page.expect_download() as downloading:
            await tab.press("Export as JSON")
        file = tmp_path / "todos.json"
        await (await downloading.value).save_as(file)
        await tab.press("Delete account")
        await tab.page.get_by_role("dialog").get_by_role("button", name="Delete account").click()
        await tab.title("Sign in")

        assert "To be kept" in file.read_text(encoding="utf-8")
        assert (await member.sign_in()).status_code == 401


async def plug_in_authenticator(tab: Tab) -> None:
    """Give the browser something to keep passkeys in, which says yes."""
    session = await tab.page.context.new_cdp_session(tab.page)
    await session.send("WebAuthn.enable")
    able = {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True, **able}
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
