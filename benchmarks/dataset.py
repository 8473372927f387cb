"""Puts the population into the product's database, as if it had been used for weeks."""

import itertools
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from benchmarks.population import Person, Population, Row
from benchmarks.progress import say, shown
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.features.todos.models import Priority

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_AT_ONCE = 20_000
_TODO_COLUMNS = (
    "user_id", "id", "title", "description", "priority", "completed_at", "created_at", "updated_at",
    "deleted_at", "version", "change_seq",
)  # fmt: skip
_CHANGE_COLUMNS = ("user_id", "seq", "todo_id", "kind", "at", "todo")
_NUMBERS = 3 * len(Priority)
_NO_HURRY = 86_400.0
_MEMORY = "512MB"
_INDEXES = """
SELECT CASE WHEN contype IS NULL THEN format('DROP INDEX %s', indexrelid::regclass)
            ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', indrelid::regclass, conname) END AS drop,
       CASE WHEN contype IS NULL THEN pg_get_indexdef(indexrelid)
            ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', indrelid::regclass, conname,
                        pg_get_constraintdef(pg_constraint.oid)) END AS make
  FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
  LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u')
 WHERE relnamespace = $1::text::regnamespace AND relname = ANY ($2)
 ORDER BY indexrelid
"""


async def fill(url: DatabaseUrl, population: Population, public_key: str, key_id: UUID) -> None:
    """Copy in people, sessions, todos and their changes as the owner role, and count as the product would."""
    async with connect(url) as owner:
        await _copy_sign_in(owner, population.people, public_key, key_id, datetime.now(UTC))
        await copy_todos(owner, population)
    await tidy_up(url)


async def tidy_up(url: DatabaseUrl) -> None:
    """Do what PostgreSQL does by itself in the minutes after much has been written."""
    say("Vacuuming …")
    async with connect(url) as owner:
        await owner.execute("VACUUM (ANALYZE)", timeout=_NO_HURRY)
        await owner.execute("CHECKPOINT", timeout=_NO_HURRY)


async def _copy_sign_in(
    owner: "Connection", people: list[Person], public_key: str, key_id: UUID, now: datetime
) -> None:
    # Older than the product's own key, which goes on signing.
    await owner.execute(
        'INSERT INTO auth.jwks (id, "publicKey", "privateKey", "createdAt", alg, crv)'
        " VALUES ($1, $2, '', $3, 'EdDSA', 'Ed25519')",
        key_id,
        public_key,
        now - timedelta(days=1),
    )
    users = [(person.id, "Somebody", f"{person.id}@example.com", True, now, now) for person in people]
    await owner.copy_records_to_table(
        "user",
        schema_name="auth",
        records=users,
        columns=("id", "name", "email", "emailVerified", "createdAt", "updatedAt"),
    )
    sessions = [
        (person.session_id, now + timedelta(days=7), str(person.session_id), now, now, person.id)
        for person in people
    ]
    await owner.copy_records_to_table(
        "session",
        schema_name="auth",
        records=sessions,
        columns=("id", "expiresAt", "token", "createdAt", "updatedAt", "userId"),
    )


async def copy_todos(owner: "Connection", population: Population) -> None:
    """Copy in todos, their changes, and the people who have them, with their counts."""
    # What is copied in points at people who are copied in last, when their counts are known.
    await owner.execute("SET session_replication_role = replica")
    # This connection alone, until the checkpoint that ends the filling.
    await owner.execute("SET synchronous_commit = off")
    async with without_indexes(owner, "public", ["todos", "todo_changes"]):
        users = await _copy_rows(owner, population)
    columns = ("id", "change_seq", "counted_seq", "todo_count", "todo_counts")
    await owner.copy_records_to_table("users", records=users, columns=columns)


async def _copy_rows(owner: "Connection", population: Population) -> list[tuple[Any, ...]]:
    """Copy todos and changes, and give everybody's last place in their sequence, and their counts."""
    places = [0] * len(population.people)
    counts = [[0] * _NUMBERS for _ in population.people]
    rows = shown(population.todos(), population.size.todos, "todos")
    while chunk := list(itertools.islice(rows, _AT_ONCE)):
        todos: list[tuple[Any, ...]] = []
        changes: list[tuple[Any, ...]] = []
        for row in chunk:
            user_id = population.people[row.owner].id
            changes += _changes_of(row, user_id, places[row.owner])
            places[row.owner] += row.changes
            counts[row.owner][_place_of(row)] += 1
            todos.append((user_id, *row[1:-1], row.changes, places[row.owner]))
        await owner.copy_records_to_table("todos", records=todos, columns=_TODO_COLUMNS, timeout=_NO_HURRY)
        await owner.copy_records_to_table(
            "todo_changes", records=changes, columns=_CHANGE_COLUMNS, timeout=_NO_HURRY
        )
    return [
        (person.id, place, place, sum(numbers), numbers)
        for person, place, numbers in zip(population.people, places, counts, strict=True)
    ]


def _place_of(row: Row) -> int:
    state = 2 if row.deleted_at else 1 if row.completed_at else 0
    return state * len(Priority) + list(Priority).index(Priority(row.priority))


def _changes_of(row: Row, user_id: UUID, place: int) -> Iterator[tuple[Any, ...]]:
    moments = (("created", row.created_at), ("completed", row.completed_at), ("deleted", row.deleted_at))
    completed_at: str | None = None
    for version, (kind, at) in enumerate(((kind, at) for kind, at in moments if at is not None), start=1):
        if kind == "completed":
            completed_at = at.isoformat()
        todo = {
            "id": str(row.id),
            "title": row.title,
            "description": row.description,
            "priority": row.priority,
            "is_completed": completed_at is not None,
            "completed_at": completed_at,
            "created_at": row.created_at.isoformat(),
            "updated_at": at.isoformat(),
            "deleted_at": at.isoformat() if kind == "deleted" else None,
            "version": version,
        }
        yield user_id, place + version, row.id, kind, at, json.dumps(todo)


@asynccontextmanager
async def without_indexes(owner: "Connection", schema: str, tables: Sequence[str]) -> AsyncIterator[None]:
    """Make the indexes anew afterwards, those of keys as well: people in turn would fall all over them."""
    dropped = await owner.fetch(_INDEXES, schema, tables)
    for row in dropped:
        await owner.execute(row["drop"])
    yield
    await owner.execute(f"SET maintenance_work_mem = '{_MEMORY}'")
    for row in shown(dropped, len(dropped), "indexes"):
        await owner.execute(row["make"], timeout=_NO_HURRY)
    await owner.execute("RESET maintenance_work_mem")
