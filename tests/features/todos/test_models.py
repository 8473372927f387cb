"""The rules of a todo that need no database."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from todo.features.todos.models import Todo

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime(2026, 2, 1, tzinfo=UTC)


def make_todo(**fields: Any) -> Todo:
    values: dict[str, Any] = {
        "title": "Water the plants",
        "priority": "medium",
        "description": None,
        **fields,
    }
    return Todo(user_id=uuid4(), id=uuid4(), created_at=EARLY, updated_at=EARLY, change_seq=1, **values)


def test_completing_sets_the_time() -> None:
    todo = make_todo()

    assert todo.apply({"is_completed": True}, LATE)

    assert todo.completed_at == LATE
    assert todo.is_completed


def test_completing_twice_keeps_the_first_time() -> None:
    todo = make_todo(completed_at=EARLY)

    assert not todo.apply({"is_completed": True}, LATE)

    assert todo.completed_at == EARLY


def test_reopening_forgets_the_time() -> None:
    todo = make_todo(completed_at=EARLY)

    assert todo.apply({"is_completed": False}, LATE)

    assert todo.completed_at is None


def test_naming_the_values_it_has_changes_nothing() -> None:
    todo = make_todo(description="The fern twice", priority="high")

    assert not todo.apply({"description": "The fern twice", "priority": "high"}, LATE)


def test_only_the_named_fields_change() -> None:
    todo = make_todo(description="The fern twice")

    assert todo.apply({"title": "Water the fern"}, LATE)

    assert (todo.title, todo.description) == ("Water the fern", "The fern twice")
