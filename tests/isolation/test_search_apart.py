"""The index that searches use is each person's own, by either line of defence."""

from uuid import UUID

import pytest

from tests.factories import Person, Service
from todo.database.engine import connect, open_pool
from todo.database.transaction import Database
from todo.database.url import DatabaseUrl
from todo.features.todos.repository.keys import Question
from todo.features.todos.repository.search import find, glimpse
from todo.features.todos.schemas import TodoStatus
from todo.features.todos.service import index_todos


async def index(service: Service, person: Person) -> None:
    await index_todos(service.app.state.backend.database, UUID(person.subject))


@pytest.mark.parametrize("is_indexed", [True, False])
async def test_a_search_of_one_person_says_nothing_of_another_even_without_row_level_security(
    service: Service, alice: Person, bob: Person, *, is_indexed: bool
) -> None:
    await alice.make_todo("milk of alice")
    await bob.make_todo("bread of bob")
    if is_indexed:
        for person in (alice, bob):
            await index(service, person)
    question = Question.of("milk", TodoStatus.ALL, [])

    async with open_pool(service.owner_url, size=1) as pool:
        unbound = Database(pool, on_commit=lambda _user_id: None)
        found = []
        for person in (alice, bob):
            async with unbound.transaction(UUID(person.subject), read_only=True) as transaction:
                glimpsed = await glimpse(transaction, question)
                assert glimpsed
                found.append((len(glimpsed.places), len((await find(transaction, question)).places)))

    assert found == [(1, 1), (0, 0)]


@pytest.mark.parametrize("table", ["todo_words", "indexed_todos"])
async def test_the_index_of_one_person_is_hidden_from_another_whatever_a_query_forgets(
    service: Service, alice: Person, bob: Person, table: str
) -> None:
    await alice.make_todo("milk of alice")
    await index(service, alice)
    seen = []
    async with connect(DatabaseUrl.parse(service.wiring.database_url)) as app:
        for person in (alice, bob):
            async with app.transaction():
                await app.execute(f"SET LOCAL app.user_id = '{person.subject}'")
                seen.append(await app.fetchval(f"SELECT count(*) > 0 FROM {table}"))

    assert seen == [True, False]
