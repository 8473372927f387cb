"""Rules about what is kept: tables, indexes, and how they come about."""

from collections.abc import Iterator

import sqlalchemy as sa

from todo.architect.catalogue import has_key, kind, rows_of
from todo.architect.design import Migration
from todo.architect.evidence import Case, Step
from todo.architect.planner import BUFFER_BUDGET
from todo.architect.rules.rule import CHECK, VERIFY, Rule, question, seen, where, words


def _has_times(one: sa.Table, case: Case) -> Iterator[str]:
    if not {"created_at", "at"} & set(one.columns.keys()):
        yield "no created_at"
    methods = {it.method for it in case.design.api.endpoints if it.table == one.name and it.is_item}
    if "PATCH" in methods and "updated_at" not in one.columns:
        yield "rows are changed, and there is no updated_at"
    is_soft = (case.constitution.decided("deletion", one.name) or "").startswith("soft")
    if "DELETE" in methods and is_soft and "deleted_at" not in one.columns:
        yield "deleting is soft, and there is no deleted_at"


def _needless(one: sa.Table, case: Case) -> Iterator[str]:
    known = case.before[one.name].indexes if one.name in case.before else set()
    old = {index.name for index in known}
    for index in (it for it in one.indexes if not it.unique):
        columns = _columns(index)
        shown = f"({', '.join(columns)})"
        for other in one.indexes - {index}:
            if _columns(other)[: len(columns)] == columns and rows_of(other) == rows_of(index):
                yield f"{shown} begins ({', '.join(_columns(other))})"
        if index.name not in old and not _is_used(one, index, case):
            yield f"no query uses {shown}"


def _columns(index: sa.Index) -> list[str]:
    return [str(column).rpartition(".")[2] for column in index.expressions]


def _is_used(table: sa.Table, index: sa.Index, case: Case) -> bool:
    # While a list is not served, that is what is to be said; which index then is too much, nobody knows.
    if any(index.name in query.plan.indexes or query.faults for query in case.evidence.queries):
        return True
    keys = [key.column_keys for key in table.foreign_key_constraints]
    return any(_columns(index)[: len(key)] == key and key != [table.info["owner"]] for key in keys)


def _is_harder(one: Step, than: Migration) -> str | None:
    is_harder = one.needed.weight > than.weight
    return f"is {one.needed}, which is more than {than}: {one.why}" if is_harder else None


SCHEMA = [
    Rule("DB-1", "db", "A table says since when and when last; what is deleted goes as decided",
         [(lambda case: [one for one in case.tables() if one.name not in case.before
                         or case.phase == "check"], _has_times)]),
    Rule("DB-2", "db", "Moments have a time zone",
         [(Case.tables, lambda one, _: [f"{column.name} is a timestamp without time zone"
                                        for column in one.columns if kind(column) == "timestamp"])]),
    Rule("DB-3", "db", "A reference says what happens when the other goes",
         [(Case.tables, lambda one, _: [f"({', '.join(key.column_keys)}) has no ON DELETE"
                                        for key in one.foreign_key_constraints if not key.ondelete])]),
    Rule("IDX-2", "db", "References have an index",
         [(Case.tables, lambda one, _: [f"no index begins with ({', '.join(key.column_keys)})"
                                        for key in one.foreign_key_constraints
                                        if not has_key(one, key.column_keys)])]),
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
         VERIFY, question("deletion", "retention", "soft: kept for a while, can be brought back",
                                                    "hard: gone at once")),
    Rule("ASK-volume", "user", "Speed is asked for in numbers",
         words("volume", "how many rows of how many people, and how fast is fast?",
               r"fast\w*|quick\w*|thousands|millions|scal\w*|performan\w*", unless=r"\d"),
         VERIFY, question("volume", "performance", "10,000 people, 100,000 rows each, a page in 50 ms")),
]  # fmt: skip
MIGRATIONS = [
    Rule("DRY-1", "db", "PostgreSQL takes the statements", seen("DRY-1"), VERIFY),
    Rule("DRY-2", "db", "Migrations go up, down and up again, and end at the tables in code",
         seen("DRY-2"), CHECK),
    Rule("MIG-1", "db", "A migration is declared as hard as it is",
         [(lambda case: case.evidence.steps,
           lambda one, case: _is_harder(one, case.subject.db.migration))], VERIFY),
    Rule("MIG-2", "db", "What changes or removes data that is there is decided by a person",
         [(lambda case: case.evidence.steps, lambda one, _: _is_harder(one, Migration.EXPAND))], VERIFY,
         question("migration", "migration", "in two releases", "in one, with downtime", "not at all")),
]  # fmt: skip
