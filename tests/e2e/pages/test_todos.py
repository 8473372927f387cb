"""The page /: a person keeps their todos."""

from dataclasses import replace
from statistics import median
from uuid import uuid4

import pytest
from playwright.async_api import Route

from tests.e2e.pages.tab import PHONE, OpenTab, Screen
from tests.e2e.people import PASSWORD, Account
from tests.e2e.waiting import until
from tests.factories import Person


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


async def test_the_keyboard_is_enough(open_tab: OpenTab, member: Account) -> None:
    async with open_tab(account=member) as tab:
        await tab.open("/")
        await tab.title("Nothing to do")
        press = tab.page.keyboard.press
        await press("n")
        await tab.page.keyboard.type("First\n")
        await tab.page.keyboard.type("Second !!!\n")
        await tab.lists("Second", "First")
        await press("Tab")
        await tab.page.evaluate("document.activeElement.blur()")
        await press("?")
        await tab.title("By keyboard")
        await press("Escape")
        await tab.page.evaluate("document.activeElement.blur()")

        await press("ArrowDown")
        await tab.focus_is_on("Second")
        await press("ArrowDown")
        await press("e")
        await tab.page.keyboard.type("First of all\n")
        await tab.focus_is_on("First of all")
        await press("4")
        await press("k")
        await tab.focus_is_on("Second")
        await press("c")
        await tab.focus_is_on("First of all")
        await press("Delete")
        await tab.title("Nothing to do")
        await tab.page.wait_for_function("() => document.activeElement.id === 'new-todo'")
        await press("Shift+Tab")
        await press("Control+z")
        await press("Control+z")
        await tab.lists("Second", "First of all")

        await tab.is_sent()

        stored = (await (await member.person()).get("/api/todos?sort=title")).json()["items"]
        assert [(todo["title"], todo["priority"], todo["is_completed"]) for todo in stored] == [
            ("First of all", "urgent", False),
            ("Second", "urgent", False),
        ]


async def test_a_screen_reader_hears_what_changed_and_the_keyboard_is_where_it_goes_on(
    open_tab: OpenTab, member: Account
) -> None:
    person = await member.person()
    for title in ("Water the plants", "Buy milk", "Call Mara"):
        await person.make_todo(title)
    async with open_tab(account=member) as tab:
        await tab.open("/")
        await tab.lists("Call Mara", "Buy milk", "Water the plants")
        await tab.add("Read !low")
        await tab.hears("Added: Read")
        await tab.focus_is_on_element("#new-todo")
        await tab.press("Complete “Read”", role="checkbox")
        await tab.hears("Completed “Read”")
        await tab.focus_is_on("Call Mara")
        await tab.page.keyboard.press("e")
        await tab.page.keyboard.type("Call Max\n")
        await tab.hears("Saved: Call Max")
        await tab.focus_is_on("Call Max")
        await tab.press("Delete “Buy milk”")
        await tab.hears("Moved “Buy milk” to the trash")
        await tab.focus_is_on("Water the plants")
        await tab.press("Undo")
        await tab.hears("“Buy milk” is back as it was")
        await tab.focus_is_on("Buy milk")
        await tab.page.keyboard.press("x")
        await tab.page.get_by_role("status").filter(has_text="1 selected").wait_for()
        await tab.press("Select “Water the plants”", role="checkbox")
        await tab.press("Delete")
        await tab.hears("Moved 2 todos to the trash")
        await tab.focus_is_on_element("#select")
        await tab.press("Close")
        await tab.fill("Search", "quantum")
        await tab.hears("Nothing found")
        await tab.press("Show everything")
        await tab.hears("1 todo")
        await tab.focus_is_on_element("#search")
        await tab.press("Trash")
        await tab.hears("2 todos")
        await tab.press("Restore “Buy milk”")
        await tab.hears("Restored “Buy milk”")
        await tab.focus_is_on("Water the plants")
        await tab.press("Keyboard")
        await tab.title("By keyboard")
        await tab.page.keyboard.press("Escape")
        await tab.focus_is_on_element("[aria-label=Keyboard]")
        await tab.is_live()
        await tab.page.context.set_offline(offline=True)
        await tab.hears("Offline. You see what was here last.")
        await tab.page.context.set_offline(offline=False)
        await tab.hears("Online again.")


async def test_several_priorities_are_shown_in_the_order_that_was_chosen(
    open_tab: OpenTab, member: Account
) -> None:
    person = await member.person()
    for title, priority in [("B", "high"), ("C", "urgent"), ("A", "low"), ("D", "medium")]:
        await person.make_todo(title, priority=priority)
    async with open_tab(account=member, screen=PHONE) as tab:
        await tab.open("/")
        await tab.lists("D", "A", "C", "B")
        await tab.page.get_by_label("Priority: Any priority").click()
        await tab.page.get_by_label("High", exact=True).check()
        await tab.lists("B")
        await tab.page.get_by_label("Urgent", exact=True).check()
        await tab.lists("C", "B")
        await tab.page.get_by_label("Low", exact=True).check()
        await tab.hears("3 todos")
        await tab.page.keyboard.press("Escape")
        await tab.focus_is_on_element("summary[aria-label='Priority: Urgent, High, Low']")
        for order, titles in [("Oldest", "BCA"), ("Most urgent", "CBA"), ("By title", "ABC")]:
            await tab.page.get_by_label("Order").select_option(order)
            await tab.lists(*titles)
        # The same three are listed, and how many is said, when they have come.
        async with tab.page.expect_response(lambda answer: "status=all" in answer.url):
            await tab.press("All")
        await tab.add("E")
        await tab.hears("Added “E”, which the filter hides")
        await tab.page.reload()
        await tab.lists("A", "B", "C")
        await tab.page.get_by_label("Priority: Urgent, High, Low").click()
        await tab.press("Any priority")
        await tab.lists("A", "B", "C", "D", "E")


@pytest.mark.parametrize("language", ["en", "de", "fr"])
async def test_on_a_phone_filters_and_orders_can_be_read_whole(
    open_tab: OpenTab, member: Account, language: str
) -> None:
    async with open_tab(account=member, screen=replace(PHONE, language=language)) as tab:
        await tab.open("/")
        await tab.page.locator(".nothing").wait_for()

        assert await tab.page.evaluate(TRUNCATED) == []
        filters = tab.page.locator(".priorities summary span")
        assert await filters.evaluate("(words) => words.scrollWidth <= words.clientWidth")


# Gives the options that do not fit their select: with an arrow of 20 pixels beside them.
TRUNCATED = """() => {
  const select = document.querySelector(".fine > select");
  const style = getComputedStyle(select);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = style.font;
  const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 20;
  return [...select.options].map(({ text }) => text).filter((text) => pen.measureText(text).width > room);
}"""


async def test_many_are_done_with_at_once_and_come_back(open_tab: OpenTab, member: Account) -> None:
    person = await member.person()
    for number in range(3):
        await person.make_todo(f"Todo {number}")
    async with open_tab(account=member, screen=PHONE) as tab:
        await tab.open("/?sort=title")
        await tab.lists("Todo 0", "Todo 1", "Todo 2")
        await tab.press("Select")
        await tab.press("Select “Todo 0”", role="checkbox")
        await tab.press("Select “Todo 2”", role="checkbox")
        await tab.press("Delete")
        await tab.lists("Todo 1")
        await tab.press("Trash")
        await tab.lists("Todo 0", "Todo 2")
        await tab.press("Restore “Todo 2”")
        await tab.lists("Todo 0")
        await tab.press("To do")
        await tab.lists("Todo 1", "Todo 2")
        await tab.is_sent()

        assert (await person.get("/api/todos")).json()["total"] == 2


async def test_a_change_made_elsewhere_is_seen_within_a_second(open_tab: OpenTab, member: Account) -> None:
    person = await member.person()
    async with open_tab(account=member) as tab, open_tab(account=member) as other:
        for each in (tab, other):
            await each.open("/")
            await each.title("Nothing to do")
            await each.is_live()

        await tab.add("From the first tab")
        await other.lists("From the first tab", within_seconds=1)
        await other.press("Complete “From the first tab”", role="checkbox")
        await tab.lists(within_seconds=1)
        todo = await person.make_todo("By an agent")
        await tab.lists("By an agent", within_seconds=1)
        await person.patch(f"/api/todos/{todo['id']}", json={"title": "By an agent, again"})
        await other.lists("By an agent, again", within_seconds=1)


async def test_what_is_done_without_the_server_is_kept_and_done_once_when_it_is_back(
    open_tab: OpenTab, member: Account
) -> None:
    person = await member.person()
    await person.make_todo("There before")
    async with open_tab(account=member, keeps_pages=True) as tab:
        await tab.open("/")
        await tab.lists("There before")
        await tab.page.evaluate("navigator.serviceWorker.ready.then(() => {})")
        await tab.page.context.set_offline(offline=True)
        await tab.add("Made on a train !!")
        await tab.press("Complete “There before”", role="checkbox")
        await tab.read("2 changes wait to be sent.")
        await tab.page.reload()
        await tab.lists("Made on a train")
        await tab.read("2 changes wait to be sent.")
        assert (await person.get("/api/todos")).json()["total"] == 1

        await tab.page.context.set_offline(offline=False)
        await tab.is_sent()
        await tab.page.get_by_text("Offline.").wait_for(state="detached")
        await tab.page.reload()
        await tab.lists("Made on a train")

        stored = (await person.get("/api/todos?sort=title")).json()["items"]
        assert [
            (todo["title"], todo["priority"], todo["is_completed"], todo["version"]) for todo in stored
        ] == [
            ("Made on a train", "high", False, 1),
            ("There before", "medium", True, 2),
        ]


async def test_an_edit_whose_answer_was_lost_is_done_once(open_tab: OpenTab, member: Account) -> None:
    person = await member.person()
    async with open_tab(account=member) as tab:
        await tab.open("/")
        await tab.title("Nothing to do")
        await tab.page.route("**/api/todos/*", _done_but_not_answered, times=1)
        await tab.add("Buy milk")
        await tab.read("1 change waits to be sent.")
        await tab.is_sent()

        assert [todo["version"] for todo in (await person.get("/api/todos")).json()["items"]] == [1]


async def test_what_was_sent_already_changes_nothing_when_it_is_sent_again(
    open_tab: OpenTab, member: Account
) -> None:
    person = await member.person()
    for title in ("A", "B", "C"):
        await person.make_todo(title)
    async with open_tab(account=member) as tab:
        await tab.open("/?sort=title")
        await tab.lists("A", "B", "C")
        await tab.page.context.set_offline(offline=True)
        await tab.add("D !!!")
        await tab.press("Select")
        for title in "ABD":
            await tab.press(f"Select “{title}”", role="checkbox")
        await tab.page.get_by_role("combobox", name="Priority").select_option("low")
        await tab.press("Complete “C”", role="checkbox")
        await tab.press("Delete “B”")
        await tab.read("4 changes wait to be sent.")
        queue = await tab.page.evaluate(QUEUE)
        await tab.page.context.set_offline(offline=False)
        await tab.is_sent()
        after_once = await _stored(person)

        # As if the page had been closed before it heard that all of it was done.
        await tab.page.evaluate(QUEUE, queue)
        sent: list[str] = []
        tab.page.on("requestfinished", lambda request: sent.append(request.method))
        await tab.page.reload()
        await tab.lists("A", "D")
        await tab.page.wait_for_function(f"async () => (await ({QUEUE})()).length === 0")
        await tab.is_sent()

        assert after_once == {
            "A": ("low", False, False, 2),
            "B": ("low", False, True, 3),
            "C": ("medium", True, False, 2),
            "D": ("low", False, False, 2),
        }
        assert [method for method in sent if method != "GET"] == ["PUT", "POST", "POST", "POST"]
        assert await _stored(person) == after_once


async def test_what_was_done_to_many_is_done_once_though_the_answer_was_lost(
    open_tab: OpenTab, member: Account
) -> None:
    person = await member.person()
    first, _ = [await person.make_todo(title) for title in ("A", "B")]

    async def lose_answer(route: Route) -> None:
        await route.fetch()
        # Done anew, it would be as if this had not been said.
        await person.patch(f"/api/todos/{first['id']}", json={"priority": "urgent"})
        await route.abort()

    async with open_tab(account=member) as tab:
        await tab.open("/?sort=title")
        await tab.lists("A", "B")
        await tab.page.route("**/api/todos/batch", lose_answer, times=1)
        await tab.press("Select")
        await tab.press("All shown")
        await tab.page.get_by_role("combobox", name="Priority").select_option("high")
        await tab.read("1 change waits to be sent.")
        await tab.is_sent()

        assert await _stored(person) == {"A": ("urgent", False, False, 3), "B": ("high", False, False, 2)}


async def test_what_was_done_to_one_is_done_once_though_the_answer_was_lost(
    open_tab: OpenTab, member: Account
) -> None:
    person = await member.person()
    todo = await person.make_todo("A")
    since = [("", {"title": "Renamed elsewhere"}), ("/restore", None)]
    lost: set[tuple[str, str, str | None]] = set()

    async def lose_answer(route: Route) -> None:
        request = route.request.method, route.request.url, route.request.post_data
        if route.request.method == "GET" or request in lost:
            await route.continue_()
            return
        lost.add(request)
        await route.fetch()
        path, body = since.pop(0)
        await person.patch(f"/api/todos/{todo['id']}{path}", json=body)
        await route.abort()

    async with open_tab(account=member) as tab:
        await tab.open("/")
        await tab.lists("A")
        await tab.page.route("**/api/todos/*", lose_answer)
        await tab.page.get_by_role("button", name="A", exact=True).click()
        await tab.fill("Title", "Renamed here")
        await tab.press("Save")
        await tab.lists("Renamed elsewhere")
        await tab.press("Delete “Renamed elsewhere”")
        await tab.lists()
        await until(lambda: not since, "both answers were lost")
        await tab.is_sent()
        await tab.lists("Renamed elsewhere")

        assert await _stored(person) == {"Renamed elsewhere": ("medium", False, False, 5)}


async def _stored(person: Person) -> dict[str, tuple[str, bool, bool, int]]:
    shown = (await person.get("/api/todos")).json()["items"]
    in_trash = (await person.get("/api/todos?status=deleted")).json()["items"]
    return {
        todo["title"]: (todo["priority"], todo["is_completed"], bool(todo["deleted_at"]), todo["version"])
        for todo in [*shown, *in_trash]
    }


# Gives what waits to be sent; puts it there first, if it is given.
QUEUE = """async (edits) => {
  const done = (asked) => new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result)));
  const database = await done(indexedDB.open("todo-edits"));
  const store = database.transaction("edits", "readwrite").objectStore("edits");
  for (const edit of edits ?? []) await done(store.put(edit, edit.key));
  const kept = await done(store.getAll());
  database.close();
  return kept;
}"""


async def test_who_speaks_german_reads_german_and_may_choose_another(
    open_tab: OpenTab, member: Account
) -> None:
    async with open_tab(account=member, screen=Screen(language="de-DE")) as tab:
        await tab.open("/")
        await tab.title("Nichts zu tun")
        await tab.page.get_by_label("Konto und Einstellungen").click()
        await tab.page.get_by_label("Sprache").select_option("fr")
        await tab.title("Rien à faire")
        await tab.page.get_by_label("Apparence").select_option("dark")
        await tab.page.reload()
        await tab.title("Rien à faire")

        assert await tab.page.evaluate("document.documentElement.lang") == "fr"
        assert await tab.is_dark()
        await tab.open("/docs")
        assert await tab.is_dark()


async def test_a_change_that_is_refused_is_taken_back_and_said(open_tab: OpenTab, member: Account) -> None:
    person = await member.person()
    async with open_tab(account=member) as tab:
        await person.make_todo("Short")
        await tab.open("/")
        await tab.lists("Short")
        await tab.page.route(
            "**/api/todos/*", lambda route: route.continue_(post_data='{"title": " "}'), times=1
        )
        await tab.page.get_by_role("button", name="Short", exact=True).click()
        await tab.fill("Title", "Something else")
        await tab.press("Save")

        await tab.read("The server did not take a change")
        await tab.lists("Short")


async def _done_but_not_answered(route: Route) -> None:
    await route.fetch()
    await route.abort()


async def test_thousands_of_todos_are_scrolled_without_a_stall(open_tab: OpenTab, member: Account) -> None:
    person = await member.person()
    file = {"format": "todo-evolution", "version": 1, "todos": [{"title": f"Todo {n}"} for n in range(5_000)]}
    imported = await person.post("/api/account/import", json=file)
    assert imported.status_code == 200, imported.text
    async with open_tab(account=member, screen=PHONE) as tab:
        await tab.open("/")
        await tab.read("5,000 todos")
        # Whatever else runs here may hold up a browser once; the page's own work would hold up each stretch.
        longest = [await tab.page.evaluate(SCROLL, rows) for rows in (1_000, 2_000, 3_000)]

        assert median(longest) < 500
        assert await tab.page.locator(".row").count() < 60


# Scrolls on until so many rows have been there; gives the longest time that a frame took, in milliseconds.
SCROLL = """async (rows) => {
  let [longest, last] = [0, performance.now()];
  for (;;) {
    const shown = [...document.querySelectorAll(".row")].map(({ dataset }) => Number(dataset.index));
    const at = Math.max(...shown);
    if (at >= rows) return longest;
    scrollBy(0, 2500);
    await new Promise(requestAnimationFrame);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }
}"""
