"""The page /activity: what was done, by whom, and the way back."""

from tests.e2e.pages.tab import OpenTab, Tab
from tests.e2e.people import Account
from tests.factories import Person


async def test_what_others_did_is_told_apart_and_undone_but_for_what_was_changed_since(
    open_tab: OpenTab, member: Account
) -> None:
    person = await member.person()
    todos = [await person.make_todo(title) for title in ("A", "B", "C")]
    await change_as_key(
        person, [{"op": "update", "id": todo["id"], "changes": {"priority": "low"}} for todo in todos]
    )
    await person.patch(f"/api/todos/{todos[2]['id']}", json={"priority": "urgent"})
    async with open_tab(account=member) as tab:
        await tab.open("/activity")
        await tells(tab, "Changed “C”", "Changed 3 todos", "Added “C”", "Added “B”", "Added “A”")
        await tab.press("By apps and keys")
        await tells(tab, "Changed 3 todos")
        await tab.read("Key “Laptop”")

        await tab.press("Undo: Changed 3 todos")
        await tab.hears("2 todos are as they were. 1 todo was changed since and stays as it is.")
        await tab.press("Everything")
        await tells(
            tab,
            "Undone: Changed 2 todos",
            "Changed “C”",
            "Changed 3 todos",
            "Added “C”",
            "Added “B”",
            "Added “A”",
        )
        await tab.press("Undo: Added “C”")
        await tab.hears("1 todo was changed since and stays as it is.")
        await tab.press("Undo: Changed “C”")
        await tab.hears("1 todo is as it was")
        await tab.page.locator("li:has(.undone)").get_by_text("Changed “C”").wait_for()

        stored = (await person.get("/api/todos?sort=title")).json()["items"]
        assert [todo["priority"] for todo in stored] == ["medium", "medium", "low"]


async def test_what_happens_meanwhile_appears_and_what_was_undone_can_be_done_again(
    open_tab: OpenTab, member: Account
) -> None:
    person = await member.person()
    async with open_tab(account=member) as tab:
        await tab.open("/activity")
        await tab.read("Nothing has been done yet.")
        await person.make_todo("By an agent")
        await tells(tab, "Added “By an agent”")
        await tab.press("Undo: Added “By an agent”")
        await tells(tab, "Undone: Moved “By an agent” to the trash", "Added “By an agent”")
        await tab.focus_is_on_element("h2[id^=action]")
        await tab.press("Undo: Moved “By an agent” to the trash")
        await tells(
            tab,
            "Undone: Restored “By an agent”",
            "Undone: Moved “By an agent” to the trash",
            "Added “By an agent”",
        )

        assert (await person.get("/api/todos")).json()["total"] == 1


async def tells(tab: Tab, *actions: str) -> None:
    """Wait until exactly these actions are told, in this order."""
    await tab.page.wait_for_function(
        "(wanted) => JSON.stringify([...document.querySelectorAll('.activity h2')]"
        ".map((told) => told.textContent)) === JSON.stringify(wanted)",
        arg=list(actions),
    )


async def change_as_key(person: Person, operations: list[dict[str, object]]) -> None:
    wanted = {"name": "Laptop", "scopes": ["todo:read", "todo:write"]}
    key = (await person.post("/api/keys", json=wanted)).json()["key"]
    answer = await person.client.post(
        "/api/todos/batch", headers={"x-api-key": key}, json={"operations": operations}
    )
    assert answer.status_code == 200, answer.text
