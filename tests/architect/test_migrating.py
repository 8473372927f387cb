"""How hard a change of a table is: what the rule says of a design, a linter says of the SQL for it."""

from typing import NamedTuple

import pytest

from tests.contracts.test_squawk import lint
from todo.architect.design import Column, Index, Migration, Table
from todo.architect.rules.schema import migration_of

TODOS = Table(
    name="todos",
    columns=[
        Column(name="title", type="text", nullable=False),
        Column(name="version", type="integer", nullable=False),
        Column(name="description", type="text"),
    ],
)
# What breaks data or those who use it; how a revision takes its locks is asked of the revisions themselves.
_BREAKS = {
    "adding-not-nullable-field",
    "adding-required-field",
    "ban-drop-column",
    "changing-column-type",
    "renaming-column",
}


class Change(NamedTuple):
    """A change as a design has it, and as SQL."""

    sql: str
    kind: Migration
    parts: dict[str, object]


CHANGES = [
    Change("ADD COLUMN colour text", Migration.EXPAND, {"columns": [Column(name="colour", type="text")]}),
    Change(
        "ADD COLUMN colour text NOT NULL DEFAULT 'red'",
        Migration.EXPAND,
        {"columns": [Column(name="colour", type="text", nullable=False, default="red")]},
    ),
    Change(
        "ADD COLUMN colour text NOT NULL",
        Migration.TRANSFORM,
        {"columns": [Column(name="colour", type="text", nullable=False)]},
    ),
    Change(
        "ALTER COLUMN version TYPE bigint",
        Migration.TRANSFORM,
        {"columns": [Column(name="version", type="bigint", nullable=False)]},
    ),
    Change(
        "ALTER COLUMN description SET NOT NULL",
        Migration.TRANSFORM,
        {"columns": [Column(name="description", type="text", nullable=False)]},
    ),
    Change("DROP COLUMN description", Migration.CONTRACT, {"drop": ["description"]}),
    Change("RENAME COLUMN title TO name", Migration.CONTRACT, {"rename": {"title": "name"}}),
]


@pytest.mark.parametrize("change", CHANGES, ids=[change.sql for change in CHANGES])
def test_the_rule_and_the_linter_agree_on_what_breaks(change: Change) -> None:
    kind, _ = migration_of(Table(name="todos").model_copy(update=change.parts), TODOS)

    found = lint(f"ALTER TABLE todos {change.sql};").keys() & _BREAKS
    assert kind is change.kind
    assert bool(found) is (kind.weight > Migration.EXPAND.weight)


def test_what_is_only_new_breaks_nothing() -> None:
    indexed = Table(name="todos", indexes=[Index(columns=["title"])])

    assert migration_of(Table(name="labels"), None)[0] is Migration.EXPAND
    assert migration_of(indexed, TODOS)[0] is Migration.EXPAND
    assert migration_of(Table(name="todos"), TODOS)[0] is Migration.NONE
