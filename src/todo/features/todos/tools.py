"""The same verbs as MCP tools, those that change something for many todos at once."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations

from todo.database.transaction import Transaction
from todo.features.todos.schemas import (
    ActOperation,
    ChangedTodos,
    CreateOperation,
    ManyTodos,
    NewTodos,
    OneTodo,
    Operation,
    PlannedTodos,
    Stated,
    TodoEdits,
    TodoFilter,
    TodoPage,
    TodoRead,
    TodosToDelete,
    TodoUpdate,
    Tryable,
    UpdateOperation,
)
from todo.features.todos.service import Outcome, TodoReader, Touched, todo_reader, todo_service
from todo.problems import Problem
from todo.transport.careful import Careful, Work, listed, shortened
from todo.transport.mcp_answer import answer
from todo.transport.mcp_call import ToolCalls
from todo.transport.mcp_tool import ServiceTool

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
_CHANGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_OVERWRITES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
_DELETES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)
# What a model needs to name, judge and tell apart todos; programs get the rest as well.
_SAID = {"id", "title", "description", "priority", "completed_at", "created_at", "deleted_at"}

_ASKS = {"update_todos": "Change", "delete_todos": "Move to the trash:"}

Page = Annotated[CallToolResult, TodoPage]
One = Annotated[CallToolResult, TodoRead]
Changed = Annotated[CallToolResult, ChangedTodos]
Planned = Annotated[CallToolResult, PlannedTodos] | InputRequiredResult
Asked = Context[Any, Any]


@dataclass(frozen=True)
class Call:
    """What one call is to do: its tool, the word for it when done, and which argument holds the items."""

    tool: str
    done: str
    argument: str
    operations: Sequence[Operation]

    @classmethod
    def each(
        cls, tool: str, done: str, act: Literal["complete", "reopen", "delete", "restore"], wanted: ManyTodos
    ) -> "Call":
        """Give the call that does one thing to each todo."""
        acts = [ActOperation(op=act, id=todo_id) for todo_id in wanted.todo_ids]
        return cls(tool, done, "todo_ids", acts)


@dataclass(frozen=True)
class ChangeDeed:
    """What a call did."""

    call: Call
    outcome: Outcome

    @property
    def changes(self) -> int:
        """How many todos are not as they were."""
        return len(self.outcome.changed)

    def told(self) -> Any:
        """Say what was asked for, and the versions that came of it."""
        operations = [it.model_dump(mode="json", exclude_unset=True) for it in self.call.operations]
        versions = [[one.after.id, one.after.created_at, one.after.version] for one in self.outcome.touched]
        return [operations, versions]

    def question(self) -> str:
        """Ask a person whether it is to be done."""
        titles = listed([_named(one) for one in self.outcome.changed])
        return f"{_ASKS[self.call.tool]} {self.changes} todos?\n{titles}"

    def shown(self, plan: str) -> CallToolResult:
        """Answer what would be done."""
        before = [one.before for one in self.outcome.touched if one.before]
        after = [one.after for one in self.outcome.touched]
        whole = PlannedTodos(todos=after, action=None, before=before, plan=plan)
        said = f"Nothing was changed yet. {self.changes} would be; to do it, call again with apply: {plan}"
        return answer(whole, said, _said(before))

    def done(self) -> CallToolResult:
        """Answer what was done."""
        todos = [one.after for one in self.outcome.touched]
        action = self.outcome.action if self.changes else None
        kind = PlannedTodos if self.call.tool in _ASKS else ChangedTodos
        said = f"{self.call.done}: {len(todos)}; action {action}" if action else "Nothing had to be changed"
        return answer(kind(todos=todos, action=action), said, _said(todos))


class TodoTools:
    """The tools of one server. Whose todos they work on follows from the token of the call."""

    reading_only = ("list_todos", "get_todo")

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls
        self._careful = Careful(calls)

    def all(self) -> list[Tool]:
        """Give the tools, each with what a client may expect of it."""
        return [
            ServiceTool.of(self.list_todos, _READS),
            ServiceTool.of(self.get_todo, _READS),
            ServiceTool.of(self.create_todos, _ADDS),
            ServiceTool.of(self.update_todos, _OVERWRITES),
            ServiceTool.of(self.complete_todos, _CHANGES),
            ServiceTool.of(self.reopen_todos, _CHANGES),
            ServiceTool.of(self.delete_todos, _DELETES),
            ServiceTool.of(self.restore_todos, _CHANGES),
        ]

    async def list_todos(self, wanted: TodoFilter) -> Page:
        """List todos, a page at a time; go on with `next_cursor` as `cursor`."""
        async with self._reading() as reader:
            page = (await reader.list_todos(wanted)).read()
        following = f"; next_cursor: {page.page.next_cursor}" if page.page.has_more else ""
        return answer(page, f"{len(page.items)} of {page.total} todos{following}", _said(page.items))

    async def get_todo(self, wanted: OneTodo) -> One:
        """Give one todo. One in the trash is not found until it is restored."""
        async with self._reading() as reader:
            todo = (await reader.get_todo(wanted.todo_id)).read()
        return answer(todo, "1 todo", _said([todo]))

    async def create_todos(self, wanted: NewTodos) -> Changed:
        """Add todos."""
        additions = [CreateOperation(op="create", todo=todo) for todo in wanted.todos]
        return await self._do(Call("create_todos", "Added", "todos", additions), wanted)

    async def update_todos(self, wanted: TodoEdits, context: Asked) -> Planned:
        """Change the named fields of todos; the others stay."""
        updates = [
            UpdateOperation(op="update", id=edit.id, changes=TodoUpdate(**edit.changes()))
            for edit in wanted.todos
        ]
        return await self._try_or_do(Call("update_todos", "Updated", "todos", updates), wanted, context)

    async def complete_todos(self, wanted: ManyTodos) -> Changed:
        """Mark todos done. Doing so again changes nothing."""
        return await self._do(Call.each("complete_todos", "Completed", "complete", wanted), wanted)

    async def reopen_todos(self, wanted: ManyTodos) -> Changed:
        """Mark todos not done."""
        return await self._do(Call.each("reopen_todos", "Reopened", "reopen", wanted), wanted)

    async def delete_todos(self, wanted: TodosToDelete, context: Asked) -> Planned:
        """Move todos to the trash; `restore_todos` brings them back."""
        call = Call.each("delete_todos", "Deleted", "delete", wanted)
        return await self._try_or_do(call, wanted, context)

    async def restore_todos(self, wanted: ManyTodos) -> Changed:
        """Bring todos back from the trash."""
        return await self._do(Call.each("restore_todos", "Restored", "restore", wanted), wanted)

    async def _do(self, call: Call, wanted: Stated) -> CallToolResult:
        return await self._careful.do(call.tool, wanted.reason, self._work(call))

    async def _try_or_do(
        self, call: Call, wanted: Tryable, context: Asked
    ) -> CallToolResult | InputRequiredResult:
        return await self._careful.try_or_do(call.tool, wanted, self._work(call), context)

    def _work(self, call: Call) -> Work:
        async def work(transaction: Transaction) -> ChangeDeed:
            service = todo_service(transaction, self._calls.secret, self._calls.limits)
            try:
                return ChangeDeed(call, await service.change_todos(call.operations))
            except Problem as problem:
                _name_items(problem, call)
                raise

        return work

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[TodoReader]:
        async with self._calls.reading() as transaction:
            yield todo_reader(transaction, self._calls.secret, self._calls.index_later)


def _named(one: Touched) -> str:
    before, after = one.before or one.after, one.after
    fields = [name for name in TodoUpdate.model_fields if getattr(before, name) != getattr(after, name)]
    title = shortened(before.title)
    return f"{title} ({', '.join(fields)})" if fields else title


def _name_items(problem: Problem, call: Call) -> None:
    """Have the refusal of a call speak of the items that the agent sent."""
    problem.detail += " Nothing was changed."
    for error in problem.errors:
        error["pointer"] = error["pointer"].replace("/operations", f"/{call.argument}", 1)
        number = error["pointer"].rpartition("/")[2]
        if number.isdigit():
            todo_id = getattr(call.operations[int(number)], "id", None)
            parts = [str(todo_id) if todo_id else "", error["code"], error["detail"]]
            error["detail"] = ": ".join(filter(None, parts))


def _said(todos: Iterable[TodoRead]) -> list[dict[str, Any]]:
    return [todo.model_dump(mode="json", include=_SAID) for todo in todos]
