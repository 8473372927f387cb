"""How many pages of the database a page of the list touches, as EXPLAIN counts them."""

import json
from uuid import UUID

from benchmarks.population import Person
from benchmarks.recording import record
from benchmarks.requests import Job
from benchmarks.stage import Stage
from todo.database.engine import connect
from todo.database.roles import APP_GROUP, login_of


async def buffers(stage: Stage) -> dict[str, int]:
    """Give the buffers that the first page touches, of the heavy user and of a light one."""
    url = login_of(APP_GROUP, stage.product.owner_url, stage.product.secret.encode())
    people = {"heavy": stage.population.people[0], "light": stage.population.people[1]}
    touched: dict[str, int] = {}
    for name, person in people.items():
        [steps] = (await record(url, person, await _open_todo(stage, person)))[Job.LIST]
        async with connect(url) as connection, connection.transaction():
            await connection.execute(f"SET LOCAL app.user_id = '{person.id}'")
            plans = [
                await connection.fetchval(
                    f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {step.sql}", *step.arguments
                )
                for step in steps
                if step.arguments
            ]
        touched[name] = sum(_touched(json.loads(plan)[0]["Plan"]) for plan in plans)
    return touched


def _touched(plan: dict[str, int]) -> int:
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


async def _open_todo(stage: Stage, person: Person) -> UUID:
    async with connect(stage.product.owner_url) as owner:
        todo_id: UUID = await owner.fetchval(
            "SELECT id FROM todos WHERE user_id = $1 AND completed_at IS NULL AND deleted_at IS NULL LIMIT 1",
            person.id,
        )
        return todo_id
