"""What PostgreSQL writes down is, byte by byte, what the schema would write."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import DateTime, bindparam, select
from sqlalchemy.dialects.postgresql import JSONB

from tests.factories import Person, migrated_database
from todo.database.engine import Connection, connect
from todo.database.statements import Statement
from todo.database.url import DatabaseUrl
from todo.features.todos.models import Priority
from todo.features.todos.repository.columns import TODO
from todo.features.todos.repository.documents import DOCUMENT, document_of_new, instant
from todo.features.todos.schemas import TodoPage, TodoRead

ASKED = Statement(select(DOCUMENT).where(TODO.user_id == bindparam("owner")).order_by(TODO.change_seq))
ADDED = Statement(
    select(
        document_of_new(
            instant(bindparam("at", type_=DateTime(timezone=True))), bindparam("said", type_=JSONB)
        )
    )
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
# Two days from either end, so that no zone leads out of the calendar.
INSTANT = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001  # as it asks for
EVERYTHING_ODD = "".join(map(chr, (*range(1, 0x100), 0x2028, 0x2029, 0xFEFF, 0x1F600))) + "</script>\\u0041"


@pytest.fixture(scope="module")
async def owner(server: DatabaseUrl) -> AsyncIterator[Connection]:
    async with migrated_database(server) as url, connect(url) as connection:
        # As somebody's server may be set up; what is sent does not depend on it.
        await connection.execute("SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'SQL, DMY'")
        yield connection


todos = st.fixed_dictionaries(
    {
        "title": TEXT.map(lambda text: f"t{text}"),
        "description": st.none() | TEXT,
        "priority": st.sampled_from(Priority),
        "completed_at": st.none() | INSTANT,
        "created_at": INSTANT,
        "updated_at": INSTANT,
        "deleted_at": st.none() | INSTANT,
        "version": st.integers(1, 2**31 - 1),
    }
)
ODD = {
    "title": f"t{EVERYTHING_ODD[:150]}",
    "description": EVERYTHING_ODD,
    "priority": Priority.LOW,
    "completed_at": None,
    "created_at": datetime(2026, 11, 27, 0, 0, 0, 1, tzinfo=UTC),
    "updated_at": datetime(2026, 11, 27, 0, 0, 0, 120_000, tzinfo=UTC) + timedelta(days=1),
    "deleted_at": datetime(2026, 11, 27, tzinfo=UTC),
    "version": 1,
}


@settings(max_examples=40)
@example([ODD])
@given(st.lists(todos, min_size=1, max_size=20))
async def test_a_document_is_what_the_schema_would_write(
    owner: Connection, rows: list[dict[str, Any]]
) -> None:
    user_id = uuid4()
    await owner.execute("INSERT INTO users (id) VALUES ($1)", user_id)
    stored = [(user_id, uuid4(), number, *map(row.get, ODD)) for number, row in enumerate(rows)]
    await owner.copy_records_to_table("todos", columns=["user_id", "id", "change_seq", *ODD], records=stored)

    documents = [row["document"] for row in await owner.fetch(ASKED.sql, user_id)]

    assert documents == [
        TodoRead(id=record[1], is_completed=row["completed_at"] is not None, **row).model_dump_json()
        for record, row in zip(stored, rows, strict=True)
    ]


@settings(max_examples=40)
@example(ODD)
@given(todos)
async def test_a_new_document_is_what_the_schema_would_write(owner: Connection, row: dict[str, Any]) -> None:
    said = {"id": str(uuid4()), **{name: row[name] for name in ("title", "description", "priority")}}
    values = {"said": json.dumps(said), "at": row["created_at"]}

    document = await owner.fetchval(ADDED.sql, *ADDED.arguments(values))

    times = {"created_at": row["created_at"], "updated_at": row["created_at"]}
    others = {"is_completed": False, "completed_at": None, "deleted_at": None, "version": 1}
    assert document == TodoRead.model_validate(said | times | others).model_dump_json()


@pytest.mark.parametrize("query", ["", "limit=1", "limit=2&offset=1", "status=deleted", "q=Water"])
async def test_a_page_is_what_the_schema_would_write(alice: Person, query: str) -> None:
    todos = [await alice.make_todo(f"Water {number}", description='"é\n') for number in range(3)]
    await alice.delete(f"/api/todos/{todos[0]['id']}")

    page = await alice.get(f"/api/todos?{query}")
    one = await alice.get(f"/api/todos/{todos[1]['id']}")

    assert page.text == TodoPage.model_validate_json(page.content).model_dump_json()
    assert one.text == TodoRead.model_validate_json(one.content).model_dump_json()
    assert UUID(one.json()["id"]) == UUID(todos[1]["id"])
