"""How hard a change of a table is: what the rule sees PostgreSQL make of it, a linter says of the SQL."""

from typing import NamedTuple

import pytest

from tests.contracts.test_squawk import lint
from todo.architect.bench import Bench
from todo.architect.design import FROM_LEAST_TO_MOST, Change, Design, Migration, SchemaDesign

# What breaks data or those who use it; how a revision takes its locks is asked of the revisions themselves.
_BREAKS = {
    "adding-not-nullable-field",
    "adding-required-field",
    "ban-drop-column",
    "changing-column-type",
    "renaming-column",
}


class Altered(NamedTuple):
    """A change of the todos, and how hard it is."""

    sql: str
    kind: Migration


ALTERED = [
    Altered("ADD COLUMN colour text", "expand"),
    Altered("ADD COLUMN colour text NOT NULL DEFAULT 'red'", "expand"),
    Altered("ADD COLUMN colour text NOT NULL", "transform"),
    Altered("ALTER COLUMN version TYPE numeric", "transform"),
    Altered("ALTER COLUMN description SET NOT NULL", "transform"),
    Altered("DROP COLUMN description", "contract"),
    Altered("RENAME COLUMN title TO name", "contract"),
]


async def migration_of(place: Bench, *statements: str) -> tuple[Migration, set[str]]:
    """Give how hard a design that declares nothing is found to be, and by which rules."""
    changes = [Change(table="todos", sql=sql) for sql in statements]
    found = (await place.verify(Design(db=SchemaDesign(changes=changes)))).findings
    told = [one.detail.split()[1].strip(",") for one in found if one.rule == "MIG-1"]
    kinds = [kind for kind in FROM_LEAST_TO_MOST if kind in told]
    return [*FROM_LEAST_TO_MOST[:1], *kinds][-1], {one.rule for one in found}


@pytest.mark.parametrize("altered", ALTERED, ids=[altered.sql for altered in ALTERED])
async def test_the_rule_and_the_linter_agree_on_what_breaks(place: Bench, altered: Altered) -> None:
    sql = f"ALTER TABLE todos {altered.sql}"

    kind, rules = await migration_of(place, sql)

    found = lint(f"{sql};").keys() & _BREAKS
    assert kind == altered.kind
    assert ("MIG-2" in rules) is bool(found) is (kind in FROM_LEAST_TO_MOST[2:])


async def test_what_is_only_new_breaks_nothing(place: Bench) -> None:
    made = "CREATE TABLE labels (id uuid PRIMARY KEY, created_at timestamptz NOT NULL)"

    assert (await migration_of(place, made))[0] == "expand"
    assert (await migration_of(place, "CREATE INDEX ON todos (user_id, title)"))[0] == "expand"
    assert (await migration_of(place, "GRANT SELECT ON todos TO todo_app"))[0] == "none"


async def test_what_changes_rows_is_for_a_person_and_then_tried_on_rows(place: Bench) -> None:
    added = "ALTER TABLE todos ADD COLUMN colour text"
    filled, required = "UPDATE todos SET colour = 'red'", "ALTER TABLE todos ALTER COLUMN colour SET NOT NULL"
    declared = SchemaDesign(
        changes=[Change(table="todos", sql=sql) for sql in (added, required)], migration="transform"
    )

    kind, rules = await migration_of(place, added, filled, required)
    unfilled = {one.rule for one in (await place.verify(Design(db=declared))).findings}

    assert (kind, rules) == ("transform", {"MIG-1", "MIG-2"})
    assert unfilled == {"DRY-1"}
