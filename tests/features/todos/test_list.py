"""The list: filters, orders, pages and totals."""

import base64
from typing import Any
from urllib.parse import quote

import pytest

from tests.factories import Person

SORTS = ["created_at", "updated_at", "priority", "title"]


async def titles(person: Person, query: str = "") -> list[str]:
    page = (await person.get(f"/api/todos?{query}")).json()
    return [todo["title"] for todo in page["items"]]


async def walk(person: Person, query: str) -> list[dict[str, Any]]:
    """Follow the cursors to the end."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while cursor is not None:
        page = (await person.get(f"/api/todos?{query}{cursor and '&cursor=' + cursor}")).json()
        items += page["items"]
        cursor = page["page"]["next_cursor"]
    return items


async def test_an_empty_list_is_a_page_too(alice: Person) -> None:
    page = (await alice.get("/api/todos")).json()

    assert page == {
        "items": [],
        "total": 0,
        "page": {"limit": 20, "offset": 0, "next_cursor": None, "has_more": False},
    }


async def test_the_newest_comes_first(alice: Person) -> None:
    for title in ("first", "second", "third"):
        await alice.make_todo(title)

    assert await titles(alice) == ["third", "second", "first"]


async def test_status_chooses_open_done_or_trashed(alice: Person) -> None:
    await alice.make_todo("open")
    done = await alice.make_todo("done")
    trashed = await alice.make_todo("trashed")
    await alice.patch(f"/api/todos/{done['id']}/complete")
    await alice.delete(f"/api/todos/{trashed['id']}")

    assert await titles(alice, "status=all") == ["done", "open"]
    assert await titles(alice, "status=active") == ["open"]
    assert await titles(alice, "status=completed") == ["done"]
    assert await titles(alice, "status=deleted") == ["trashed"]


async def test_several_priorities_can_be_asked_for(alice: Person) -> None:
    for priority in ("low", "medium", "high", "urgent"):
        await alice.make_todo(priority, priority=priority)

    assert await titles(alice, "priority=high&priority=low") == ["high", "low"]


@pytest.mark.parametrize(
    ("q", "found"),
    [("fern", 1), ("FER", 1), ("été", 1), ("the plants", 1), ("plants fern", 1), ("lants", 0), ("", 3)],
)
async def test_q_finds_todos_with_words_that_begin_so(alice: Person, q: str, found: int) -> None:
    await alice.make_todo("Water the plants", description="The Fern twice")
    await alice.make_todo("L'ÉTÉ")
    await alice.make_todo("100 %")

    page = (await alice.get("/api/todos", params={"q": q})).json()

    assert (len(page["items"]), page["total"]) == (found, found)


async def test_filters_add_up(alice: Person) -> None:
    await alice.make_todo("Call home", priority="high")
    await alice.make_todo("Call work", priority="low")
    done = await alice.make_todo("Call back", priority="high")
    await alice.patch(f"/api/todos/{done['id']}/complete")

    assert await titles(alice, "q=call&priority=high&status=active") == ["Call home"]


async def test_priority_sorts_by_weight_and_title_without_regard_to_case(alice: Person) -> None:
    for title, priority in (("banana", "urgent"), ("Apple", "low"), ("cherry", "high")):
        await alice.make_todo(title, priority=priority)

    assert await titles(alice, "sort=priority") == ["Apple", "cherry", "banana"]
    assert await titles(alice, "sort=-priority") == ["banana", "cherry", "Apple"]
    assert await titles(alice, "sort=title") == ["Apple", "banana", "cherry"]
    assert await titles(alice, "sort=-title") == ["cherry", "banana", "Apple"]


async def test_updated_at_follows_changes(alice: Person) -> None:
    first = await alice.make_todo("first")
    await alice.make_todo("second")
    await alice.patch(f"/api/todos/{first['id']}/complete")

    assert await titles(alice, "sort=-updated_at") == ["first", "second"]
    assert await titles(alice, "sort=updated_at") == ["second", "first"]


@pytest.mark.parametrize("sort", [prefix + sort for sort in SORTS for prefix in ("", "-")])
async def test_cursors_walk_the_whole_list_once(alice: Person, sort: str) -> None:
    # Equal values on purpose: the id has to break the ties.
    made = [await alice.make_todo(f"title {n % 3}", priority=("low", "high")[n % 2]) for n in range(11)]

    walked = await walk(alice, f"sort={sort}&limit=3")

    assert sorted(todo["id"] for todo in walked) == sorted(todo["id"] for todo in made)
    whole = (await alice.get(f"/api/todos?sort={sort}&limit=100")).json()
    assert walked == whole["items"]


async def test_a_cursor_skips_and_repeats_nothing_when_the_list_grows_meanwhile(alice: Person) -> None:
    made = [(await alice.make_todo(f"No. {n}"))["title"] for n in range(4)]
    page = (await alice.get("/api/todos?limit=2")).json()

    await alice.make_todo("new")
    rest = (await alice.get(f"/api/todos?limit=2&cursor={page['page']['next_cursor']}")).json()

    assert [todo["title"] for todo in page["items"] + rest["items"]] == made[::-1]
    assert rest["page"] == {"limit": 2, "offset": None, "next_cursor": None, "has_more": False}
    assert rest["total"] == 5


async def test_offset_skips_and_total_stays_exact(alice: Person) -> None:
    for n in range(5):
        await alice.make_todo(f"No. {n}")

    page = (await alice.get("/api/todos?limit=2&offset=3")).json()

    assert [todo["title"] for todo in page["items"]] == ["No. 1", "No. 0"]
    assert page["total"] == 5
    assert page["page"] == {"limit": 2, "offset": 3, "next_cursor": None, "has_more": False}


async def cursor_of(person: Person, query: str = "limit=1") -> str:
    for n in range(2):
        await person.make_todo(f"No. {n}")
    cursor: str = (await person.get(f"/api/todos?{query}")).json()["page"]["next_cursor"]
    return cursor


def altered(cursor: str) -> str:
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[-2] ^= 1
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def refusal(person: Person, query: str) -> tuple[int, str, str]:
    response = await person.get(f"/api/todos?{query}")
    return response.status_code, response.json()["error_code"], response.json()["errors"][0]["pointer"]


async def test_an_altered_cursor_is_refused(alice: Person) -> None:
    cursor = altered(await cursor_of(alice))

    assert await refusal(alice, f"cursor={cursor}") == (422, "validation_failed", "/cursor")


async def test_somebody_elses_cursor_is_refused(alice: Person, bob: Person) -> None:
    cursor = await cursor_of(alice)

    assert await refusal(bob, f"cursor={cursor}") == (422, "validation_failed", "/cursor")


@pytest.mark.parametrize("other", ["sort=title", "status=active", "q=No", "priority=medium"])
async def test_a_cursor_of_another_question_is_refused(alice: Person, other: str) -> None:
    cursor = await cursor_of(alice)

    assert await refusal(alice, f"{other}&cursor={cursor}") == (422, "validation_failed", "/cursor")


@pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "=" * 8, "A" * 2048])
async def test_an_invented_cursor_is_refused(alice: Person, cursor: str) -> None:
    assert await refusal(alice, f"cursor={quote(cursor)}") == (422, "validation_failed", "/cursor")
