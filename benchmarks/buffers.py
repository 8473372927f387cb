"""How many pages of the database a page of the list touches, as EXPLAIN counts them."""

import json
from collections.abc import Iterable
from uuid import UUID

from benchmarks.population import Person
from benchmarks.recording import Step, looked, record
from benchmarks.requests import Job
from benchmarks.stage import Stage
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, login_of
from todo.database.url import DatabaseUrl
from todo.features.todos.schemas import TodoFilter

# A word of every fifth todo.
_SEARCH = TodoFilter(q="zahnarzt")


async def buffers(stage: Stage) -> dict[str, int]:
    """Give the buffers that the first page touches, of the heavy user and of a light one, and a search."""
    url = login_of(APP_GROUP, stage.product.owner_url, stage.product.secret.encode())
    heavy, light = stage.population.people[:2]
    touched: dict[str, int] = {}
    for name, person in (("heavy", heavy), ("light", light)):
        [steps] = (await record(url, person, await _open_todo(stage, person)))[Job.LIST]
        touched[name] = await _touched(url, person, steps)
    async with connect(url) as connection:
        steps = await looked(connection, heavy, lambda reader: reader.list_todos(_SEARCH))
    return touched | {"heavy, search": await _touched(url, heavy, steps)}


async def _touched(url: DatabaseUrl, person: Person, steps: Iterable[Step]) -> int:
    async with connect(url) as connection, connection.transaction():
        await connection.execute(f"SET LOCAL app.user_id = '{person.id}'")
        plans = [
            await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {step.sql}", *step.arguments)
            for step in steps
            if step.arguments
        ]
    numbers = [json.loads(plan)[0]["Plan"] for plan in plans]
    return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in numbers)


async def _open_todo(stage: Stage, person: Person) -> UUID:
    async with connect(stage.product.owner_url) as owner:
        todo_id: UUID = await owner.fetchval(
            "SELECT id FROM todos WHERE user_id = $1 AND completed_at IS NULL AND deleted_at IS NULL LIMIT 1",
            person.id,
        )
        return todo_id
