"""Rules about what is kept: tables, indexes, and how they come about."""

from collections.abc import Iterator

from todo.architect.design import NEW_INDEX, Index, Migration, Table
from todo.architect.evidence import Case
from todo.architect.planner import BUFFER_BUDGET
from todo.architect.rules.rule import CHECK, VERIFY, Question, Rule, seen, where, words


def _has_times(one: Table, case: Case) -> Iterator[str]:
    if not one.column("created_at") and not one.column("at"):
        yield "no created_at"
    methods = {it.method for it in case.design.api.endpoints if it.table == one.name and it.is_item}
    if "PATCH" in methods and not one.column("updated_at"):
        yield "rows are changed, and there is no updated_at"
    is_soft = (case.constitution.decided("deletion", one.name) or "").startswith("soft")
    if "DELETE" in methods and is_soft and not one.column("deleted_at"):
        yield "deleting is soft, and there is no deleted_at"


def _needless(one: Table, case: Case) -> Iterator[str]:
    for index in (it for it in one.indexes if not it.unique):
        shown, rows, many = (
            f"({', '.join(index.columns)})",
            (index.where, index.predicate),
            len(index.columns),
        )
        for other in (it for it in one.indexes if it is not index and (it.where, it.predicate) == rows):
            if other.columns[:many] == index.columns:
                yield f"{shown} begins ({', '.join(other.columns)})"
        if (index.name or "").startswith(NEW_INDEX) and not _is_used(one, index, case):
            yield f"no query uses {shown}"


def _is_used(table: Table, index: Index, case: Case) -> bool:
    # While a list is not served, that is what is to be said; which index then is too much, nobody knows.
    if any(index.name in query.plan.indexes or query.faults for query in case.evidence.queries):
        return True
    keys = [key.columns for key in table.foreign_keys if key.columns != [table.owner]]
    return any(index.column_names[: len(columns)] == columns for columns in keys)


def migration_of(table: Table, before: Table | None) -> tuple[Migration, str]:
    """Give what kind of migration a change of a table needs, and why."""
    if before is None:
        return Migration.EXPAND, "a new table"
    if gone := ", ".join([*table.drop, *table.rename]):
        return Migration.CONTRACT, f"{gone} is gone for what still runs"
    for column in table.columns:
        known = before.column(column.name)
        if known and known.type != column.type:
            return Migration.TRANSFORM, f"{column.name} changes from {known.type} to {column.type}"
        if known and known.nullable and not column.nullable:
            return Migration.TRANSFORM, f"{column.name} must be there from now on"
        if not known and not column.nullable and column.default is None:
            return (
                Migration.TRANSFORM,
                f"{column.name} must be there and has no default",
            )
    return (Migration.EXPAND, "it only adds") if table.columns or table.indexes else (Migration.NONE, "")


def _is_harder(one: Table, case: Case, than: Migration) -> str | None:
    needed, why = migration_of(one, case.live.table(one.name))
    return f"is {needed}, which is more than {than}: {why}" if needed.weight > than.weight else None


SCHEMA = [
    Rule("DB-1", "db", "A table says since when and when last; what is deleted goes as decided",
         [(lambda case: [one for one in case.tables() if one.new or case.phase == "check"], _has_times)]),
    Rule("DB-2", "db", "Moments have a time zone",
         [(Case.tables, lambda one, _: [f"{column.name} is a timestamp without time zone"
                                        for column in one.columns if column.type == "timestamp"])]),
    Rule("DB-3", "db", "A reference says what happens when the other goes",
         [(Case.tables, lambda one, _: [f"({', '.join(key.columns)}) references {key.table} without ON DELETE"
                                        for key in one.foreign_keys if key.on_delete is None])]),
    Rule("IDX-2", "db", "References have an index",
         [(Case.tables, lambda one, _: [f"no index begins with ({', '.join(key.columns)})"
                                        for key in one.foreign_keys if not one.has_key(key.columns)])]),
    Rule("DB-4", "db", "No index is the beginning of another, and each new one serves a query",
         [(where(Case.tables, lambda one: one.indexes), _needless)]),
    Rule("IDX-1", "db", "Every filter and order of a list is served by an index that begins with the owner",
         [(lambda case: [*case.evidence.queries, *(it for one in case.evidence.traces for it in one.queries)],
           lambda one, _: one.faults)]),
    Rule("IDX-3", "db", f"A page of the heaviest owner touches at most {BUFFER_BUDGET} buffers",
         [(lambda case: [one for one in case.evidence.queries if one.plan.is_page and not one.faults],
           lambda one, _: one.plan.buffers > BUFFER_BUDGET and f"touches {one.plan.buffers} buffers")]),
    Rule("ASK-retention", "user", "What becomes of deleted data is decided",
         [(lambda case: [one for one in case.subject.api.endpoints if one.method == "DELETE"],
           lambda one, case: not case.constitution.decided("deletion", one.table or "")
           and f"is a deleted row of {one.table} kept for a while, or gone at once?")],
         VERIFY, Question("deletion", "retention", ["soft: kept for a while, can be brought back",
                                                    "hard: gone at once"])),
    Rule("ASK-volume", "user", "Speed is asked for in numbers",
         words("volume", "how many rows of how many people, and how fast is fast?",
               r"fast\w*|quick\w*|thousands|millions|scal\w*|performan\w*", unless=r"\d"),
         VERIFY, Question("volume", "performance", ["10,000 people, 100,000 rows each, a page in 50 ms"])),
]  # fmt: skip
MIGRATIONS = [
    Rule("DRY-1", "db", "PostgreSQL takes the statements", seen("DRY-1"), VERIFY),
    Rule("DRY-2", "db", "Migrations go up, down and up again, and end at the tables in code",
         seen("DRY-2"), CHECK),
    Rule("MIG-1", "db", "A migration is declared as hard as it is",
         [(lambda case: case.subject.db.tables,
           lambda one, case: _is_harder(one, case, case.subject.db.migration))], VERIFY),
    Rule("MIG-2", "db", "What changes or removes data that is there is decided by a person",
         [(lambda case: case.subject.db.tables, lambda one, case: _is_harder(one, case, Migration.EXPAND))],
         VERIFY, Question("migration", "migration",
                          ["in two releases", "in one, with downtime", "not at all"])),
]  # fmt: skip
