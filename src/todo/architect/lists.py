"""How each parameter and order of the lists is served: called with it, and what it then asks is explained."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg

from todo.architect.case import ListPlan
from todo.architect.examine import Examiner
from todo.architect.model import SchemaDesign
from todo.architect.planner import Plan, be_strict, explain
from todo.architect.samples import Operation
from todo.database.engine import Connection

_PAGING = {"limit", "offset"}


async def explained(
    bound: Connection, sql: str, arguments: tuple[Any, ...], *, run: bool = False
) -> Plan | None:
    """Give the plan of a statement that was heard; None of what the role may not look into."""
    try:
        async with bound.transaction():
            return await explain(bound, sql, arguments, run=run)
    except asyncpg.SyntaxOrAccessError:
        return None


class Lists:
    """Asks the lists as somebody with many rows."""

    def __init__(self, examiner: Examiner, bound: Connection, schema: SchemaDesign, person: UUID) -> None:
        self._examiner = examiner
        self._bound = bound
        self._schema = schema
        self._person = person

    async def plans(self) -> list[ListPlan]:
        """Call each list plainly, then with each value of each parameter."""
        return [
            plan
            for operation in self._examiner.operations
            if operation.method == "GET" and operation.collection is None and not operation.is_public
            async for plan in self._plans(operation)
        ]

    async def _plans(self, operation: Operation) -> AsyncIterator[ListPlan]:
        reply, plain = await self._asked(operation, {})
        looked_at: set[str] = set()
        for plan in plain:
            looked_at = plan.filtered(self._columns(plan))
            yield self._judged(f"{operation.name} plain", plan, looked_at)
        mark = self._examiner.mark
        for name in sorted(set(operation.query()) - _PAGING):
            for value in operation.values(name, mark):
                # What a page says about going on is a value as good as any.
                tried = (*_tokens(reply), value) if value == mark else (value,)
                for plan in await self._first_answered(operation, name, tried):
                    late = plan.filtered(self._columns(plan)) - looked_at
                    shown = "…" if value == mark else value
                    yield self._judged(f"{operation.name} {name}={shown}", plan, late)

    async def _first_answered(self, operation: Operation, name: str, values: tuple[str, ...]) -> list[Plan]:
        for value in values:
            reply, plans = await self._asked(operation, {name: value})
            if reply is not None:
                return plans
        return []

    async def _asked(self, operation: Operation, query: dict[str, Any]) -> tuple[Any, list[Plan]]:
        reply, heard = await self._examiner.ask(operation, self._person, query)
        if reply.status >= 400:  # noqa: PLR2004  # where refusals begin in HTTP
            return None, []
        async with self._bound.transaction():
            await be_strict(self._bound)
            await self._bound.execute(f"SET LOCAL app.user_id = '{self._person}'")
            statements = [one for one in heard if one[0].lstrip().startswith("SELECT")]
            plans = [await explained(self._bound, *statement, run=True) for statement in statements]
        owned = [plan for plan in plans if plan is not None and plan.tables & set(self._schema.owners)]
        # A count reads what it counts; what is judged is the rows that are shown.
        shown = [plan for plan in owned if plan.root["Node Type"] != "Aggregate"]
        return reply.body or {}, [plan for plan in shown if plan.is_page] or shown

    def _columns(self, plan: Plan) -> set[str]:
        return {
            column.name
            for table in self._schema.tables
            if table.name in plan.tables
            for column in table.columns
            if column.name != table.owner
        }

    def _judged(self, where: str, plan: Plan, late: set[str]) -> ListPlan:
        faults = [*plan.scans(self._schema.owners), *plan.sorts()]
        if not faults:
            read = f"reads rows by {', '.join(sorted(plan.indexes))} and throws them away by"
            faults = [f"{read} {column}" for column in sorted(late)]
        return ListPlan(where, tuple(faults), str(plan), plan.indexes, plan.buffers)


def _tokens(body: Any) -> list[str]:
    members = {**body, **body.get("page", {})} if isinstance(body, dict) else {}
    return [str(value) for name, value in members.items() if name.startswith("next") and value]
