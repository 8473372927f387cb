"""The same request many times at once: done once."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import httpx2

from tests.factories import Person
from tests.torture.bench import Bench
from tests.torture.faults import TWO_WORKERS
from tests.torture.figures import Figure, Results, exactly, none, shown
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

_AT_ONCE = 40
_RETRY_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 30.0
_ROWS = "SELECT title, count(*) FROM todos WHERE user_id = $1 GROUP BY title"


async def retries(bench: Bench) -> Results:
    """Forty equal requests at once, a hundred times, over two workers.

    Promised: forty creates with one idempotency key, retried while the first is in flight, make one todo and
    get one answer, byte for byte; of forty updates with one `If-Match`, one is 200 and thirty-nine are 412.
    """
    rounds = bench.times(100, 10)
    with bench.product() as product:
        product.start(**TWO_WORKERS)
        async with bench.people() as people:
            person = await (await people.newcomer(product)).person()
            creates = await _creates(person, rounds, product.owner_url)
            bench.tell("retries: updates with one If-Match")
            updates = await _updates(person, rounds)
    return {"retries: one key": creates, "retries: one If-Match": updates}


async def _creates(person: Person, rounds: int, owner_url: DatabaseUrl) -> list[Figure]:
    statuses: Counter[int] = Counter()
    differing = 0
    for number in range(rounds):
        key = uuid4().hex
        asked = [_create(person, f"Round {number}", key, statuses) for _ in range(_AT_ONCE)]
        differing += len(set(await asyncio.gather(*asked))) - 1
    async with connect(owner_url) as owner:
        rows = {row[0]: row[1] for row in await owner.fetch(_ROWS, UUID(person.subject))}
    return [
        exactly("requests answered 201", statuses.pop(201), rounds * _AT_ONCE),
        shown("retried after 409 in flight", statuses.pop(409, 0)),
        none("other answers", statuses.total()),
        none("answers that differ from the first", differing),
        exactly("rounds that made one todo", sum(count == 1 for count in rows.values()), rounds),
    ]


async def _create(person: Person, title: str, key: str, statuses: Counter[int]) -> tuple[int, bytes]:
    """Send it until it is not in flight any more."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            response = await person.post(
                "/api/todos", json={"title": title}, headers={"idempotency-key": key}
            )
            statuses[response.status_code] += 1
            if response.status_code != httpx2.codes.CONFLICT:
                return response.status_code, response.content
            await asyncio.sleep(_RETRY_PAUSE_SECONDS)


async def _updates(person: Person, rounds: int) -> list[Figure]:
    wanted = Counter({200: 1, 412: _AT_ONCE - 1})
    outcomes = [await _update_at_once(person) for _ in range(rounds)]
    return [
        exactly(
            "rounds with one 200 and 39 times 412", sum(outcome == wanted for outcome in outcomes), rounds
        ),
        none("other answers", sum((outcome - wanted).total() for outcome in outcomes)),
    ]


async def _update_at_once(person: Person) -> Counter[int]:
    todo = await person.make_todo()
    updates = (
        person.patch(
            f"/api/todos/{todo['id']}",
            json={"title": f"By {number}"},
            headers={"if-match": f'"{todo["version"]}"'},
        )
        for number in range(_AT_ONCE)
    )
    return Counter(response.status_code for response in await asyncio.gather(*updates))
