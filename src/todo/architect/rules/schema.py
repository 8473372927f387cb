"""Rules about what is kept: tables, indexes, and how they come about."""

from collections.abc import Iterator

from todo.architect.case import Case, ListPlan, Query, Trace
from todo.architect.findings import Flaw, Point, rule
from todo.architect.migrating import migration_of
from todo.architect.model import ForeignKey, Index, Migration, Table
from todo.architect.planner import BUFFER_BUDGET


def _new_tables(case: Case) -> list[Table]:
    if case.phase == "check":
        return case.tables()
    return [table for table in case.tables() if table.new]


def _tables(case: Case) -> list[Table]:
    return case.tables()


@rule("DB-1", "A table says since when, and where rows change, when last; what is deleted goes as decided",
      Point.SCHEMA, over=_new_tables, owner="db")  # fmt: skip
def rows_have_times(table: Table, case: Case) -> Iterator[Flaw]:
    if not table.column("created_at") and not table.column("at"):
        yield Flaw(table.name, "no created_at")
    methods = {one.method for one in case.design.api.endpoints if one.table == table.name and one.is_item}
    if "PATCH" in methods and not table.column("updated_at"):
        yield Flaw(table.name, "rows are changed, and there is no updated_at")
    is_soft = (case.decisions.decided("deletion", table.name) or "").startswith("soft")
    if "DELETE" in methods and is_soft and not table.column("deleted_at"):
        yield Flaw(table.name, "deleting is soft, and there is no deleted_at")


@rule("DB-2", "Moments have a time zone", Point.SCHEMA, over=_tables, owner="db")
def moments_have_zones(table: Table, _case: Case) -> Iterator[Flaw]:
    for column in table.columns:
        if column.type == "timestamp":
            yield Flaw(f"{table.name}.{column.name}", "timestamp without time zone")


def _foreign_keys(case: Case) -> list[tuple[Table, ForeignKey]]:
    return [(table, key) for table in case.tables() for key in table.foreign_keys]


@rule("DB-3", "A reference says what happens when the other goes", Point.SCHEMA,
      over=_foreign_keys, owner="db")  # fmt: skip
def references_have_rules(both: tuple[Table, ForeignKey], _case: Case) -> Iterator[Flaw]:
    table, key = both
    if key.on_delete is None:
        yield Flaw(table.name, f"({', '.join(key.columns)}) references {key.table} without ON DELETE")


def _indexes(case: Case) -> list[tuple[Table, Index]]:
    return [(table, index) for table in case.tables() for index in table.indexes]


@rule("DB-4", "No index is the beginning of another, and each new one serves a query", Point.SCHEMA,
      over=_indexes, owner="db")  # fmt: skip
def indexes_are_needed(both: tuple[Table, Index], case: Case) -> Iterator[Flaw]:
    table, index = both
    for other in table.indexes:
        is_longer = other is not index and other.columns[: len(index.columns)] == index.columns
        if (
            is_longer
            and not index.unique
            and (other.where, other.predicate) == (index.where, index.predicate)
        ):
            yield Flaw(table.name, f"({', '.join(index.columns)}) begins ({', '.join(other.columns)})")
    if case.phase == "verify" and index.name and index.name.startswith("new_"):
        # While a list is not served, that is what is to be said; which index then is too much, nobody knows.
        is_used = any(index.name in plan.indexes or plan.faults for plan in case.evidence.plans)
        keys = [key.columns for key in table.foreign_keys if key.columns != [table.owner]]
        refers = any(index.column_names[: len(columns)] == columns for columns in keys)
        if not is_used and not refers and not index.unique:
            yield Flaw(table.name, f"no query uses ({', '.join(index.columns)})")


@rule("DB-5", "The owner leads every key and index, and row-level security holds the table", Point.SCHEMA,
      over=lambda case: [table for table in case.tables() if table.owner], owner="db")  # fmt: skip
def owner_leads(table: Table, case: Case) -> Iterator[Flaw]:
    if not table.row_security:
        yield Flaw(table.name, "no row-level security")
    # Whether an index on top of what is there serves its query, the planner says.
    is_new = case.phase == "check" or case.live.table(table.name) is None
    ordered = [index.column_names for index in table.indexes if index.method == "btree"]
    keys = [table.primary_key, *table.unique, *(ordered if case.phase == "check" else [])]
    for key in keys if is_new else []:
        if key and key[0] != table.owner:
            yield Flaw(table.name, f"({', '.join(key)}) does not begin with {table.owner}")


def _judged(case: Case) -> list[ListPlan | tuple[Trace, Query]]:
    asked = [(trace, query) for trace in case.evidence.traces for query in trace.queries]
    return [*case.evidence.plans, *asked]


@rule("IDX-1", "Every filter and every order of a list is served by an index that begins with the owner",
      Point.SCHEMA, over=_judged, owner="db")  # fmt: skip
def lists_are_served(seen: ListPlan | tuple[Trace, Query], _case: Case) -> Iterator[Flaw]:
    where, judged = (seen.where, seen) if isinstance(seen, ListPlan) else (seen[0].operation, seen[1])
    for fault in judged.faults:
        yield Flaw(where, fault, judged.plan)


@rule("IDX-2", "References have an index", Point.SCHEMA, over=_foreign_keys, owner="db")
def references_are_indexed(both: tuple[Table, ForeignKey], _case: Case) -> Iterator[Flaw]:
    table, key = both
    if not any(set(found[: len(key.columns)]) == set(key.columns) for found in table.keys):
        yield Flaw(table.name, f"no index begins with ({', '.join(key.columns)})")


@rule("IDX-3", f"A page of the heaviest owner touches at most {BUFFER_BUDGET} buffers", Point.SCHEMA,
      over=lambda case: [
          plan for plan in case.evidence.plans if plan.buffers is not None and not plan.faults
      ],
      owner="db")  # fmt: skip
def pages_are_cheap(plan: ListPlan, _case: Case) -> Iterator[Flaw]:
    if plan.buffers is not None and plan.buffers > BUFFER_BUDGET:
        yield Flaw(plan.where, f"touches {plan.buffers} buffers", plan.plan)


@rule("DRY-1", "PostgreSQL takes the statements", Point.MIGRATIONS,
      over=lambda case: case.evidence.ddl, owner="db", phases=("verify",))  # fmt: skip
def statements_run(statement: tuple[str, str], _case: Case) -> Iterator[Flaw]:
    sql, error = statement
    if error:
        yield Flaw(sql.partition(" (")[0], error, sql)


@rule("DRY-2", "Migrations go up, down and up again, and end at the tables in code", Point.MIGRATIONS,
      over=lambda case: case.evidence.migrations, owner="db", phases=("check",))  # fmt: skip
def migrations_run(step: tuple[str, str], _case: Case) -> Iterator[Flaw]:
    name, error = step
    if error:
        yield Flaw(name, error)


@rule("MIG-1", "A migration is declared as hard as it is", Point.MIGRATIONS,
      over=lambda case: case.subject.db.tables, owner="db", phases=("verify",))  # fmt: skip
def migration_is_declared(table: Table, case: Case) -> Iterator[Flaw]:
    needed, why = migration_of(table, case.live.table(table.name))
    declared = case.subject.db.migration
    if needed.weight > declared.weight:
        yield Flaw(table.name, f"is declared {declared} and is {needed}: {why}")


@rule("MIG-2", "What changes or removes data that is there is decided by a person", Point.MIGRATIONS,
      over=lambda case: case.subject.db.tables, owner="db", severity="ask", phases=("verify",))  # fmt: skip
def migration_is_decided(table: Table, case: Case) -> Iterator[Flaw]:
    needed, why = migration_of(table, case.live.table(table.name))
    if needed.weight > Migration.EXPAND.weight:
        yield Flaw(table.name, f"needs a {needed} migration: {why}")
