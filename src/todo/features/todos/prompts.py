"""What people ask agents for again and again, with the todos it is about."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts import Prompt, base

from todo.features.todos.resources import OPEN
from todo.features.todos.schemas import PAGE_LIMIT_MAX, TodoFilter, TodoPage, TodoRead, TodoSort, TodoStatus
from todo.features.todos.service import todo_reader
from todo.transport.mcp_answer import marked
from todo.transport.mcp_call import ToolCalls, refused_as_error

_WEEK = timedelta(days=7)
_LATELY_DONE = TodoFilter(status=TodoStatus.COMPLETED, sort=TodoSort.UPDATED_AT_DESC, limit=PAGE_LIMIT_MAX)
_OLDEST = TodoFilter(status=TodoStatus.ACTIVE, sort=TodoSort.CREATED_AT, limit=PAGE_LIMIT_MAX)
_SHOWN = {"id", "title", "description", "priority", "created_at", "completed_at"}

_PLAN = """\
Help me plan my day. Below are my open todos, most urgent first.
Choose at most five for today, in the order I should do them, with a reason in half a sentence each.
Say what can wait. Ask me before you change anything; then set priorities with `update_todos`."""
_TRIAGE = """\
Help me tidy my list. Below are my open todos, most urgent first.
Look for duplicates, titles that do not say what to do, priorities that cannot all be true, and things I will
never do. Propose the changes as a table and wait for my answer. Then make them with `update_todos`,
`complete_todos` and `delete_todos`, with `dry_run` first and a `reason`."""
_REVIEW = """\
Review my week with me. Below are the todos I completed in the last seven days, then those that are open,
oldest first. Say in a few sentences what got done and what has been waiting longest. Ask about the three
oldest, one at a time: do, change or drop?"""


class TodoPrompts:
    """The prompts of one server. Whose todos they bring follows from the token of the call."""

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls

    def register(self, server: MCPServer[None]) -> None:
        """Make the prompts known."""
        for ask, title in (
            (self.plan_my_day, "Plan my day"),
            (self.triage, "Tidy my list"),
            (self.weekly_review, "Review my week"),
        ):
            server.add_prompt(Prompt.from_function(ask, title=title))

    async def plan_my_day(self) -> list[base.Message]:
        """Choose what to do today from the open todos."""
        [page] = await self._pages(OPEN)
        return _asked(_PLAN, page.items)

    async def triage(self) -> list[base.Message]:
        """Find duplicates, unclear titles and what will never be done."""
        [page] = await self._pages(OPEN)
        return _asked(_TRIAGE, page.items)

    async def weekly_review(self) -> list[base.Message]:
        """Look back on seven days, and at what has waited longest."""
        done, waiting = await self._pages(_LATELY_DONE, _OLDEST)
        since = datetime.now(UTC) - _WEEK
        lately = [todo for todo in done.items if todo.completed_at and todo.completed_at >= since]
        return _asked(_REVIEW, [*lately, *waiting.items])

    async def _pages(self, *wanted: TodoFilter) -> list[TodoPage]:
        with refused_as_error():
            async with self._calls.reading() as transaction:
                reader = todo_reader(transaction, self._calls.secret)
                return [(await reader.list_todos(one)).read() for one in wanted]


def _asked(text: str, todos: Iterable[TodoRead]) -> list[base.Message]:
    data = marked(todo.model_dump(mode="json", include=_SHOWN) for todo in todos)
    return [base.UserMessage(text), base.UserMessage(data or "There is nothing to show.")]
