"""A follower of changes misses none."""

import asyncio
import itertools
from typing import Any
from uuid import UUID

from tests.factories import Person
from tests.torture.bench import Bench
from tests.torture.faults import TWO_WORKERS
from tests.torture.figures import Results, at_least, none, shown
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

_WRITERS = 8
_BATCH = 100
_CHANGES = "/api/todos/changes"
_STORED = """
SELECT todo_id::text, (todo ->> 'version')::int FROM todo_changes WHERE user_id = $1 ORDER BY seq
"""

# What a change is known by: which todo, and which of its versions.
Change = tuple[str, int]


async def feed(bench: Bench) -> Results:
    """One program follows a person's changes while eight others make them.

    Ten thousand changes, the greater part in batches of a hundred, over two workers. Promised: the follower
    is given every acknowledged change, none of them twice, in the order the database has them in.
    """
    with bench.product() as product:
        product.start(**TWO_WORKERS)
        async with bench.people() as people:
            person = await (await people.newcomer(product)).person()
            since = (await _ask(person))["next"]
            is_over = asyncio.Event()
            following = asyncio.create_task(_follow(person, since, is_over))
            writers = (_write(person, bench.times(250, 50), bench.times(10, 2)) for _ in range(_WRITERS))
            acknowledged = set(itertools.chain.from_iterable(await asyncio.gather(*writers)))
            is_over.set()
            followed = await following
        stored = await _stored(product.owner_url, person)
    return {
        "feed": [
            at_least("acknowledged changes", len(acknowledged), bench.times(10_000, 2_000)),
            shown("changes followed", len(followed)),
            none("changes missed", len(acknowledged - set(followed))),
            none("changes given twice", len(followed) - len(set(followed))),
            none("changes out of order", _out_of_order(followed, stored)),
        ]
    }


async def _follow(person: Person, since: str, is_over: asyncio.Event) -> list[Change]:
    """Ask for changes until the writers are done and nothing more comes."""
    followed: list[Change] = []
    while True:
        was_over = is_over.is_set()
        answer = await _ask(person, since=since, limit=1_000)
        since = answer["next"]
        followed += [_change(change["todo"]) for change in answer["changes"]]
        if was_over and not answer["changes"]:
            return followed


async def _ask(person: Person, **wanted: Any) -> dict[str, Any]:
    response = await person.get(_CHANGES, params=wanted)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def _write(person: Person, singles: int, batches: int) -> list[Change]:
    """Make changes one by one, and now and then a hundred at once; give those acknowledged."""
    acknowledged: list[Change] = []
    for number in range(singles):
        if number % 2:
            response = await person.patch(f"/api/todos/{acknowledged[-1][0]}/complete")
            assert response.status_code == 200, response.text
            acknowledged.append(_change(response.json()))
        else:
            acknowledged.append(_change(await person.make_todo(f"Single {number}")))
        if number % (singles // batches) == 0:
            acknowledged += await _batch(person)
    return acknowledged


async def _batch(person: Person) -> list[Change]:
    operations = [{"op": "create", "todo": {"title": f"Of a batch {number}"}} for number in range(_BATCH)]
    response = await person.post("/api/todos/batch", json={"operations": operations})
    assert response.status_code == 200, response.text
    return [_change(result["todo"]) for result in response.json()["results"]]


def _change(todo: dict[str, Any]) -> Change:
    return todo["id"], todo["version"]


async def _stored(url: DatabaseUrl, person: Person) -> list[Change]:
    async with connect(url) as owner:
        return [(row[0], row[1]) for row in await owner.fetch(_STORED, UUID(person.subject))]


def _out_of_order(followed: list[Change], stored: list[Change]) -> int:
    """Count the changes that do not follow the one they follow in the database."""
    before = dict(itertools.pairwise(stored))
    return sum(before.get(first) != second for first, second in itertools.pairwise(followed))
