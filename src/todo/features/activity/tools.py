"""What an agent can undo of its own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations

from todo.database.transaction import Transaction
from todo.features.activity.schemas import (
    ActionToUndo,
    PlannedUndo,
    TodoUndone,
    UndoOutcome,
    UndoResult,
    UndoWanted,
)
from todo.features.activity.service import activity_service
from todo.transport.callers import client_of
from todo.transport.careful import Careful, Work, listed, shortened
from todo.transport.mcp_answer import answer
from todo.transport.mcp_call import ToolCalls
from todo.transport.mcp_tool import ServiceTool

_OVERWRITES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
_IN_THE_WAY = {"kind", "at", "client", "client_name", "reason"}

Undone = Annotated[CallToolResult, PlannedUndo] | InputRequiredResult
Asked = Context[Any, Any]


@dataclass(frozen=True)
class UndoDeed:
    """What an undo came to."""

    wanted: ActionToUndo
    result: UndoResult

    @property
    def changes(self) -> int:
        """How many todos are not as they were."""
        return len(self._with(UndoOutcome.UNDONE))

    def told(self) -> Any:
        """Say what was asked for, and what became of which version of each todo."""
        asked = self.wanted.model_dump(mode="json", include={"action", "since"})
        return [asked, [[one.id, one.outcome, one.todo and one.todo.version] for one in self.result.todos]]

    def question(self) -> str:
        """Ask a person whether it is to be done."""
        titles = [shortened(one.todo.title) for one in self._with(UndoOutcome.UNDONE) if one.todo]
        return f"Undo changes of {self.changes} todos?\n{listed(titles)}"

    def shown(self, plan: str) -> CallToolResult:
        """Answer what would be done."""
        whole = PlannedUndo(action=None, todos=self.result.todos, plan=plan)
        said = f"Nothing was changed yet. {self._said()}; to do it, call again with apply: {plan}"
        return answer(whole, said, self._data())

    def done(self) -> CallToolResult:
        """Answer what was done."""
        whole = PlannedUndo(action=self.result.action, todos=self.result.todos)
        named = f"; action {whole.action}" if whole.action else ""
        return answer(whole, f"{self._said()}{named}", self._data())

    def _with(self, outcome: UndoOutcome) -> list[TodoUndone]:
        return [one for one in self.result.todos if one.outcome is outcome]

    def _said(self) -> str:
        counts = {outcome: len(self._with(outcome)) for outcome in UndoOutcome}
        said = ", ".join(f"{outcome}: {count}" for outcome, count in counts.items() if count)
        return said or "There is nothing to undo"

    def _data(self) -> list[dict[str, Any]]:
        return [
            {
                "id": str(one.id),
                "title": one.todo and one.todo.title,
                "outcome": one.outcome,
                "conflicts": [
                    change.model_dump(mode="json", include=_IN_THE_WAY, exclude_none=True)
                    for change in one.conflicts
                ]
                or None,
            }
            for one in self.result.todos
        ]


class ActivityTools:
    """The tools of one server. Whose actions they undo follows from the token of the call."""

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls
        self._careful = Careful(calls)

    def all(self) -> list[Tool]:
        """Give the tools, each with what a client may expect of it."""
        return [ServiceTool.of(self.undo, _OVERWRITES)]

    async def undo(self, wanted: ActionToUndo, context: Asked) -> Undone:
        """Undo an `action` of yours, or all you did `since`; what others changed later stays: conflict."""
        return await self._careful.try_or_do("undo", wanted, self._work(wanted), context)

    def _work(self, wanted: ActionToUndo) -> Work:
        client = client_of(self._calls.caller).id
        undoing = (
            UndoWanted(action=wanted.action)
            if wanted.since is None
            else UndoWanted(client=client, since=wanted.since)
        )

        async def work(transaction: Transaction) -> UndoDeed:
            service = activity_service(transaction, self._calls.secret, bound_to=client)
            return UndoDeed(wanted, await service.undo(undoing, datetime.now(UTC)))

        return work
