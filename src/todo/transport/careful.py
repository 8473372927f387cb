"""Destructive tools: what they would do can be seen first, held to, and put to the person."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, InputRequiredResult

from todo.database.transaction import Transaction
from todo.transport.consent import ask, can_ask
from todo.transport.mcp_answer import visible
from todo.transport.mcp_call import ToolCalls
from todo.transport.plans import PlanOutdated, plan_of

# So many todos a question names, each with so much of its title.
_NAMED = 10
_TITLE_SHOWN = 80


class Deed(Protocol):
    """What one call did to todos; or would do, while its transaction can still be given up."""

    @property
    def changes(self) -> int:
        """How many todos are not as they were."""

    def told(self) -> Any:
        """Say as JSON what was asked for and what it came upon: the same again, if nothing has changed."""

    def question(self) -> str:
        """Ask a person whether it is to be done."""

    def shown(self, plan: str) -> CallToolResult:
        """Answer what would be done."""

    def done(self) -> CallToolResult:
        """Answer what was done."""


class Wanted(Protocol):
    """How an agent wants it done."""

    reason: str | None
    dry_run: bool
    apply: str | None


Work = Callable[[Transaction], Awaitable[Deed]]


class Careful:
    """Does the work of tools, within the agent's budget and as carefully as it is wanted."""

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls

    async def do(self, tool: str, reason: str | None, work: Work, plan: str | None = None) -> CallToolResult:
        """Do it; raises `PlanOutdated` if it does not come to what was planned."""
        async with self._calls.writing(tool=tool, reason=reason) as transaction:
            deed = await work(transaction)
            if plan not in {None, self._plan(tool, deed)}:
                raise PlanOutdated
            self._calls.budget.spend(deed.changes)
        return deed.done()

    async def try_or_do(
        self, tool: str, wanted: Wanted, work: Work, context: Context[Any, Any]
    ) -> CallToolResult | InputRequiredResult:
        """Say what it would do, or have the person asked first, as far as that is wanted and possible."""
        plan = wanted.apply
        if wanted.dry_run or can_ask(context):
            deed = await self._calls.tried(work, tool=tool)
            found = self._plan(tool, deed)
            if wanted.dry_run:
                return deed.shown(found)
            if plan not in {None, found}:
                raise PlanOutdated
            if deed.changes > 1:
                question = deed.question()
                if wanted.reason:
                    question += f"\nThe agent's reason: {visible(wanted.reason)}"
                asked = ask(context, question, found)
                if asked is not None:
                    return asked
                plan = found
        return await self.do(tool, wanted.reason, work, plan)

    def _plan(self, tool: str, deed: Deed) -> str:
        return plan_of(self._calls.secret, self._calls.caller.user_id, tool, deed.told())


def listed(titles: list[str]) -> str:
    """Give the titles for a question, a line each; the todos' own words stay on their lines."""
    lines = [f"• {title}" for title in titles[:_NAMED]]
    return "\n".join([*lines, f"… and {len(titles) - _NAMED} more"] if len(titles) > _NAMED else lines)


def shortened(title: str) -> str:
    """Give a title as a question shows it."""
    title = visible(title)
    return title if len(title) <= _TITLE_SHOWN else f"{title[: _TITLE_SHOWN - 1]}…"
