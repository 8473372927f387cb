"""Todos over HTTP: the five jobs."""

from tests.factories import Person


async def test_a_new_todo_is_found_in_the_list(alice: Person) -> None:
    todo = await alice.make_todo("Water the plants", priority="high")

    page = (await alice.get("/api/todos")).json()

    assert page["items"] == [todo]
    assert page["total"] == 1
