"""The page /account: passwords, second factors, passkeys, sessions, and what one takes along or leaves."""

from functools import partial
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


async def test_the_second_factor_is_turned_off_by_who_knows_the_password(
    open_tab: OpenTab, member: Account, people: People, site: Product
) -> None:
    await member.use_second_factor()
    async with open_tab(account=member) as tab:
        await tab.open("/account")
        await tab.read("It is on: signing in takes a code too.")
        await tab.page.locator("#two-factor-password").fill("not the password")
        await tab.press("Turn off")
        await tab.read("The password is not right.")
        await tab.page.locator("#two-factor-password").fill(member.password)
        await tab.press("Turn off")
        await tab.hears("Two-factor sign-in is off.")
        await tab.focus_is_on_element("#two-factor-title")

        # Nothing more is asked for.
        await people.again(site, member)


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


async def test_sessions_elsewhere_are_seen_and_ended_one_by_one_or_all_at_once(
    open_tab: OpenTab, member: Account, people: People, site: Product
) -> None:
    async with open_tab(account=member) as tab:
        elsewhere = [await people.again(site, member) for _ in range(3)]
        still_in = partial(_count_signed_in, elsewhere)
        await tab.open("/account")
        end = tab.page.get_by_role("button", name="Sign out python-httpx")
        await end.first.click()
        await tab.press("Keep it")
        await tab.focus_is_on_element("[aria-label^='Sign out python-httpx']")
        assert (await end.count(), await still_in()) == (3, 3)

        await end.first.click()
        await tab.page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
        await tab.hears("Signed out.")
        await tab.focus_is_on_element("#sessions-title")
        assert (await end.count(), await still_in()) == (2, 2)

        await tab.press("Sign out all others")
        await end.first.wait_for(state="detached")
        assert await still_in() == 0
        await tab.read("This device")


async def test_all_of_it_is_taken_along_and_then_nothing_is_left(
    open_tab: OpenTab, member: Account, tmp_path: Path
) -> None:
    await (await member.person()).make_todo("To be kept")
    async with open_tab(account=member) as tab:
        await tab.open("/account")
        files = [await _exported(tab, name, tmp_path) for name in ("Export as JSON", "Export as CSV")]
        await tab.press("Delete account")
        await tab.press("Keep it")
        assert (await member.ask("GET", "token")).status_code == 200
        await tab.press("Delete account")
        await tab.page.get_by_role("dialog").get_by_role("button", name="Delete account").click()
        await tab.title("Sign in")

        assert [file.suffix for file in files] == [".json", ".csv"]
        assert all("To be kept" in file.read_text(encoding="utf-8") for file in files)
        assert (await member.sign_in()).status_code == 401


async def test_what_was_taken_along_is_brought_to_another_account(
    open_tab: OpenTab, member: Account, people: People, site: Product, tmp_path: Path
) -> None:
    person = await member.person()
    await person.make_todo("To be kept", priority="urgent", description="Over, and “out”")
    broken = tmp_path / "broken.csv"
    broken.write_text("title,priority\nTo be kept too,high\n ,low\n", encoding="utf-8")
    other = Account(await people.browser(site), (await people.stranger(site)).email)
    assert (await other.sign_up()).status_code == 200
    async with open_tab(account=member) as tab:
        await tab.open("/account")
        files = [await _exported(tab, name, tmp_path) for name in ("Export as JSON", "Export as CSV")]
    async with open_tab(account=other) as tab:
        await tab.open("/account")
        await _import(tab, files[0])
        await tab.read("1 todo was taken over.")
        await _import(tab, files[1])
        await tab.read("0 todos were taken over. 1 was here already.")
        await _import(tab, broken)
        await tab.read("1 todo was taken over. 1 was left out.")
        await tab.read("Todo 2: title")
        await tab.open("/")
        await tab.lists("To be kept too", "To be kept")

        brought = (await (await other.person()).get("/api/todos")).json()["items"]
        assert [(todo["priority"], todo["description"]) for todo in brought] == [
            ("high", None),
            ("urgent", "Over, and “out”"),
        ]


async def test_a_file_that_holds_no_todos_is_refused_in_words_and_nothing_is_lost(
    open_tab: OpenTab, member: Account, tmp_path: Path
) -> None:
    file = tmp_path / "holiday.json"
    file.write_text("no todos in here", encoding="utf-8")
    async with open_tab(account=member) as tab:
        await tab.open("/account")
        await _import(tab, file)

        alert = tab.page.get_by_role("alert").filter(has_text="That did not work:")
        await alert.wait_for()


async def _exported(tab: Tab, name: str, folder: Path) -> Path:
    async with tab.page.expect_download() as downloading:
        await tab.press(name)
    download = await downloading.value
    await download.save_as(folder / download.suggested_filename)
    return folder / download.suggested_filename


async def _import(tab: Tab, file: Path) -> None:
    async with tab.page.expect_file_chooser() as choosing:
        await tab.press("Import a file")
    await (await choosing.value).set_files(file)


async def _count_signed_in(devices: list[Account]) -> int:
    return sum([(await device.ask("GET", "token")).status_code == 200 for device in devices])


async def plug_in_authenticator(tab: Tab) -> None:
    """Give the browser something to keep passkeys in, which says yes."""
    session = await tab.page.context.new_cdp_session(tab.page)
    await session.send("WebAuthn.enable")
    able = {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True, **able}
    await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
