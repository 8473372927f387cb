"""How each parameter and order of the lists is served: called with it, and what it then asks is explained."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from todo.architect.examine import Examiner
from todo.architect.model import SchemaDesign
from todo.architect.planner import Plan, Query, be_strict, explain
from todo.architect.running import body_of
from todo.architect.samples import Operation
from todo.database.engine import Connection

# A question may say who asks before it asks.
_QUESTIONS = ("SELECT", "WITH me ")
_PAGING = {"limit", "offset"}


class Lists:
    """Asks the lists as somebody with many rows."""

    def __init__(self, examiner: Examiner, bound: Connection, schema: SchemaDesign, person: UUID) -> None:
        self._examiner = examiner
        self._bound = bound
        self._owners = schema.owners
        self._columns = {
            table.name: {column.name for column in table.columns} - {table.owner} for table in schema.tables
        }
        self._person = person

    async def queries(self) -> AsyncIterator[Query]:
        """Call each list plainly, then with each value of each parameter."""
        mark = self._examiner.mark
        for operation in self._examiner.operations:
            if operation.method != "GET" or operation.collection is not None or operation.is_public:
                continue
            reply, plain = await self._asked(operation, {})
            usual: set[str] = set()
            for plan in plain:
                usual = plan.thrown_away(self._columns_of(plan))
                yield self._judged(f"{operation.name} plain", plan, usual)
            for name in sorted(set(operation.query()) - _PAGING):
                for value in operation.values(name, mark):
                    # What a page says about going on is a value as good as any.
                    tried = (*_tokens(reply), value) if value == mark else (value,)
                    shown = "…" if value == mark else value
                    for plan in await self._first_answered(operation, name, tried):
                        late = self._columns_of(plan) - usual
                        yield self._judged(f"{operation.name} {name}={shown}", plan, late)

    async def _first_answered(self, operation: Operation, name: str, values: tuple[str, ...]) -> list[Plan]:
        for value in values:
            reply, plans = await self._asked(operation, {name: value})
            if reply is not None:
                return plans
        return []

    async def _asked(self, operation: Operation, query: dict[str, Any]) -> tuple[Any, list[Plan]]:
        reply, heard = await self._examiner.ask(operation, self._person, query)
        if reply.is_error:
            return None, []
        async with self._bound.transaction():
            await be_strict(self._bound, self._person)
            statements = [one for one in heard if one[0].lstrip().startswith(_QUESTIONS)]
            plans = [await explain(self._bound, *statement, run=True) for statement in statements]
        owned = [plan for plan in plans if plan is not None and self._is_owned(plan)]
        # A count reads what it counts; what is judged is the rows that are shown.
        shown = [plan for plan in owned if plan.root["Node Type"] != "Aggregate"]
        # One statement may give page and count: the page is the part of it with a limit.
        pages = [part for plan in owned for part in plan.pages() if self._is_owned(part)]
        return body_of(reply) or {}, pages or shown

    def _is_owned(self, plan: Plan) -> bool:
        return not plan.tables.isdisjoint(self._owners)

    def _columns_of(self, plan: Plan) -> set[str]:
        return set().union(*(self._columns.get(table, ()) for table in plan.tables))

    def _judged(self, where: str, plan: Plan, columns: set[str]) -> Query:
        faults = [*plan.scans(self._owners), *plan.sorts()] or plan.reads_by(columns)
        return Query(where, plan, tuple(faults))


def _tokens(body: Any) -> list[str]:
    members = {**body, **body.get("page", {})} if isinstance(body, dict) else {}
    return [str(value) for name, value in members.items() if name.startswith("next") and value]
