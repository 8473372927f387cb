"""A total that has to be counted is each person's own, by the query alone."""

from uuid import UUID

from tests.factories import SECRET, Person, Service
from todo.database.engine import connect, open_pool
from todo.database.transaction import Database
from todo.features.todos.schemas import TodoFilter
from todo.features.todos.service import todo_reader

# As the release before this one leaves it: the number that is kept is behind.
BEHIND = "UPDATE users SET change_seq = change_seq + 1 WHERE id = $1"


async def test_a_total_that_is_counted_counts_nothing_of_others_even_without_row_level_security(
    service: Service, alice: Person, bob: Person
) -> None:
    for person in (alice, bob):
        await person.make_todo()
    alice_id = UUID(alice.subject)
    async with connect(service.owner_url) as owner:
        await owner.execute(BEHIND, alice_id)

    async with open_pool(service.owner_url, size=1) as pool:
        unbound = Database(pool, on_commit=lambda _user_id: None)
        page = await todo_reader(unbound.glance(alice_id), SECRET).list_todos(TodoFilter())

    assert page.read().total == 1
