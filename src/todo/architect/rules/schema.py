"""Rules about what is kept: tables, indexes, and how they come about."""

from collections.abc import Iterator

from todo.architect.case import Case
from todo.architect.findings import VERIFY, Flaw, Point, rule
from todo.architect.migrating import migration_of
from todo.architect.model import ForeignKey, Index, Migration, Table
from todo.architect.planner import BUFFER_BUDGET, Query


@rule("DB-1", "A table says since when, and where rows change, when last; what is deleted goes as decided",
      Point.SCHEMA, lambda case: [one for one in case.tables() if one.new or case.phase == "check"],
      "db")  # fmt: skip
def rows_have_times(table: Table, case: Case) -> Iterator[Flaw]:
    if not table.column("created_at") and not table.column("at"):
        yield Flaw(table.name, "no created_at")
    methods = {one.method for one in case.design.api.endpoints if one.table == table.name and one.is_item}
    if "PATCH" in methods and not table.column("updated_at"):
        yield Flaw(table.name, "rows are changed, and there is no updated_at")
    is_soft = (case.decisions.decided("deletion", table.name) or "").startswith("soft")
    if "DELETE" in methods and is_soft and not table.column("deleted_at"):
        yield Flaw(table.name, "deleting is soft, and there is no deleted_at")


@rule("DB-2", "Moments have a time zone", Point.SCHEMA, Case.tables, "db")
def moments_have_zones(table: Table, _case: Case) -> Iterator[Flaw]:
    for column in table.columns:
        if column.type == "timestamp":
            yield Flaw(f"{table.name}.{column.name}", "timestamp without time zone")


def _foreign_keys(case: Case) -> list[tuple[Table, ForeignKey]]:
    return [(table, key) for table in case.tables() for key in table.foreign_keys]


@rule("DB-3", "A reference says what happens when the other goes", Point.SCHEMA, _foreign_keys, "db")
def references_have_rules(both: tuple[Table, ForeignKey], _case: Case) -> Iterator[Flaw]:
    table, key = both
    if key.on_delete is None:
        yield Flaw(table.name, f"({', '.join(key.columns)}) references {key.table} without ON DELETE")


@rule("IDX-2", "References have an index", Point.SCHEMA, _foreign_keys, "db")
def references_are_indexed(both: tuple[Table, ForeignKey], _case: Case) -> Iterator[Flaw]:
    table, key = both
    if not any(set(found[: len(key.columns)]) == set(key.columns) for found in table.keys):
        yield Flaw(table.name, f"no index begins with ({', '.join(key.columns)})")


@rule("DB-4", "No index is the beginning of another, and each new one serves a query", Point.SCHEMA,
      lambda case: [(table, index) for table in case.tables() for index in table.indexes], "db")  # fmt: skip
def indexes_are_needed(both: tuple[Table, Index], case: Case) -> Iterator[Flaw]:
    table, index = both
    if index.unique:
        return
    for other in table.indexes:
        is_longer = other is not index and other.columns[: len(index.columns)] == index.columns
        if is_longer and (other.where, other.predicate) == (index.where, index.predicate):
            yield Flaw(table.name, f"({', '.join(index.columns)}) begins ({', '.join(other.columns)})")
    if case.phase == "verify" and index.name and index.name.startswith("new_"):
        # While a list is not served, that is what is to be said; which index then is too much, nobody knows.
        is_used = any(index.name in query.plan.indexes or query.faults for query in case.evidence.queries)
        keys = [key.columns for key in table.foreign_keys if key.columns != [table.owner]]
        if not is_used and not any(index.column_names[: len(columns)] == columns for columns in keys):
            yield Flaw(table.name, f"no query uses ({', '.join(index.columns)})")


@rule("DB-5", "The owner leads every key and index, and row-level security holds the table", Point.SCHEMA,
      lambda case: [table for table in case.tables() if table.owner], "db")  # fmt: skip
def owner_leads(table: Table, case: Case) -> Iterator[Flaw]:
    if not table.row_security:
        yield Flaw(table.name, "no row-level security")
    is_live = case.phase == "check"
    # Whether an index on top of what is there serves its query, the planner says.
    indexes = [one.column_names for one in table.indexes if one.method == "btree"] if is_live else []
    keys = [table.primary_key, *table.unique, *indexes] if is_live or table.new else []
    for key in keys:
        if key and key[0] != table.owner:
            yield Flaw(table.name, f"({', '.join(key)}) does not begin with {table.owner}")


@rule("IDX-1", "Every filter and every order of a list is served by an index that begins with the owner",
      Point.SCHEMA,
      lambda case: [*case.evidence.queries, *(one for seen in case.evidence.traces for one in seen.queries)],
      "db")  # fmt: skip
def lists_are_served(query: Query, _case: Case) -> Iterator[Flaw]:
    for fault in query.faults:
        yield Flaw(query.where, fault, str(query.plan))


@rule("IDX-3", f"A page of the heaviest owner touches at most {BUFFER_BUDGET} buffers", Point.SCHEMA,
      lambda case: [one for one in case.evidence.queries if one.plan.is_page and not one.faults],
      "db")  # fmt: skip
def pages_are_cheap(query: Query, _case: Case) -> Iterator[Flaw]:
    if (query.plan.buffers or 0) > BUFFER_BUDGET:
        yield Flaw(query.where, f"touches {query.plan.buffers} buffers", str(query.plan))


def _changes(case: Case) -> list[tuple[Table, Migration, str]]:
    return [(one, *migration_of(one, case.live.table(one.name))) for one in case.subject.db.tables]


@rule("MIG-1", "A migration is declared as hard as it is", Point.MIGRATIONS, _changes, "db", phases=VERIFY)
def migration_is_declared(change: tuple[Table, Migration, str], case: Case) -> Iterator[Flaw]:
    table, needed, why = change
    declared = case.subject.db.migration
    if needed.weight > declared.weight:
        yield Flaw(table.name, f"is declared {declared} and is {needed}: {why}")


@rule("MIG-2", "What changes or removes data that is there is decided by a person", Point.MIGRATIONS,
      _changes, "db", severity="ask", phases=VERIFY)  # fmt: skip
def migration_is_decided(change: tuple[Table, Migration, str], _case: Case) -> Iterator[Flaw]:
    table, needed, why = change
    if needed.weight > Migration.EXPAND.weight:
        yield Flaw(table.name, f"needs a {needed} migration: {why}")
