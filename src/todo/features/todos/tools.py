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
    TodoEdits,
    TodoFilter,
    TodoPage,
    TodoRead,
    TodosToDelete,
    TodoUpdate,
    UpdateOperation,
)
from todo.features.todos.service import Action, TodoService, Touched, todo_service
from todo.problems import Problem
from todo.transport.consent import ask, can_ask
from todo.transport.mcp_answer import answer, visible
from todo.transport.mcp_call import ToolCalls
from todo.transport.mcp_tool import ServiceTool
from todo.transport.plans import PlanOutdated, plan_of

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

# So many of them a question to a person names, each with so much of its title.
_NAMED = 10
_TITLE_SHOWN = 80
_ASKS = {"update_todos": "Change", "delete_todos": "Move to the trash:"}

Page = Annotated[CallToolResult, TodoPage]
One = Annotated[CallToolResult, TodoRead]
Changed = Annotated[CallToolResult, ChangedTodos]
Planned = Annotated[CallToolResult, PlannedTodos] | InputRequiredResult
Asked = Context[Any, Any]


@dataclass(frozen=True)
class Work:
    """What one call is to do: its tool, the word for it when done, and which argument holds the items."""

    tool: str
    done: str
    argument: str
    operations: Sequence[Operation]
    reason: str | None

    @classmethod
    def each(
        cls,
        tool: str,
        done: str,
        act: Literal["complete", "reopen", "delete", "restore"],
        wanted: ManyTodos,
    ) -> "Work":
        """Give the work of doing one thing to each todo."""
        acts = [ActOperation(op=act, id=todo_id) for todo_id in wanted.todo_ids]
        return cls(tool, done, "todo_ids", acts, wanted.reason)

    @property
    def answer(self) -> type[ChangedTodos]:
        """What it answers with."""
        return PlannedTodos if self.tool in _ASKS else ChangedTodos

    @property
    def asks(self) -> str:
        """How a person is asked for it."""
        return _ASKS[self.tool]


class TodoTools:
    """The tools of one server. Whose todos they work on follows from the token of the call."""

    reading_only = ("list_todos", "get_todo")

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls

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
        async with self._reading() as service:
            page = await service.list_todos(wanted)
        following = f"; next_cursor: {page.page.next_cursor}" if page.page.has_more else ""
        return answer(page, f"{len(page.items)} of {page.total} todos{following}", _said(page.items))

    async def get_todo(self, wanted: OneTodo) -> One:
        """Give one todo. One in the trash is not found until it is restored."""
        async with self._reading() as service:
            todo = await service.get_todo(wanted.todo_id)
        return answer(todo, "1 todo", _said([todo]))

    async def create_todos(self, wanted: NewTodos) -> Changed:
        """Add todos."""
        additions = [CreateOperation(op="create", todo=todo) for todo in wanted.todos]
        return await self._do(Work("create_todos", "Added", "todos", additions, wanted.reason))

    async def update_todos(self, wanted: TodoEdits, context: Asked) -> Planned:
        """Change the named fields of todos; the others stay."""
        updates = [
            UpdateOperation(op="update", id=edit.id, changes=TodoUpdate(**edit.changes()))
            for edit in wanted.todos
        ]
        work = Work("update_todos", "Updated", "todos", updates, wanted.reason)
        return await self._do_carefully(work, wanted, context)

    async def complete_todos(self, wanted: ManyTodos) -> Changed:
        """Mark todos done. Doing so again changes nothing."""
        return await self._do(Work.each("complete_todos", "Completed", "complete", wanted))

    async def reopen_todos(self, wanted: ManyTodos) -> Changed:
        """Mark todos not done."""
        return await self._do(Work.each("reopen_todos", "Reopened", "reopen", wanted))

    async def delete_todos(self, wanted: TodosToDelete, context: Asked) -> Planned:
        """Move todos to the trash; `restore_todos` brings them back."""
        work = Work.each("delete_todos", "Deleted", "delete", wanted)
        return await self._do_carefully(work, wanted, context)

    async def restore_todos(self, wanted: ManyTodos) -> Changed:
        """Bring todos back from the trash."""
        return await self._do(Work.each("restore_todos", "Restored", "restore", wanted))

    async def _do(self, work: Work, plan: str | None = None) -> CallToolResult:
        async with self._calls.writing(tool=work.tool, reason=work.reason) as transaction:
            action = await self._touch(transaction, work)
            if plan not in {None, self._plan(work, action)}:
                raise PlanOutdated
            self._calls.budget.spend(len(action.changed))
        todos = [one.after for one in action.touched]
        place = action.place if action.changed else None
        said = f"{work.done}: {len(todos)}; action {place}" if place else "Nothing had to be changed"
        return answer(work.answer(todos=todos, action=place), said, _said(todos))

    async def _do_carefully(
        self, work: Work, wanted: TodosToDelete | TodoEdits, context: Asked
    ) -> CallToolResult | InputRequiredResult:
        """Say what it would do, or have the person asked first, as far as that is wanted and possible."""
        plan = wanted.apply
        if wanted.dry_run or can_ask(context):
            action = await self._calls.tried(lambda it: self._touch(it, work), tool=work.tool)
            found = self._plan(work, action)
            if wanted.dry_run:
                return _shown(action, found)
            if plan not in {None, found}:
                raise PlanOutdated
            if len(action.changed) > 1:
                question = ask(context, _question(work, action.changed), found)
                if question is not None:
                    return question
                plan = found
        return await self._do(work, plan)

    async def _touch(self, transaction: Transaction, work: Work) -> Action:
        service = todo_service(transaction, self._calls.secret, self._calls.limits)
        try:
            return await service.change_todos(work.operations)
        except Problem as problem:
            _name_items(problem, work)
            raise

    def _plan(self, work: Work, action: Action) -> str:
        operations = [operation.model_dump(mode="json", exclude_unset=True) for operation in work.operations]
        versions = [[one.after.id, one.after.created_at, one.after.version] for one in action.touched]
        return plan_of(self._calls.secret, self._calls.caller.user_id, [work.tool, operations], versions)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[TodoService]:
        async with self._calls.reading() as transaction:
            yield todo_service(transaction, self._calls.secret, self._calls.limits)


def _shown(action: Action, plan: str) -> CallToolResult:
    before = [one.before for one in action.touched if one.before]
    after = [one.after for one in action.touched]
    whole = PlannedTodos(todos=after, action=None, before=before, plan=plan)
    said = f"Nothing was changed yet. {len(action.changed)} would be; to do it, call again with apply: {plan}"
    return answer(whole, said, _said(before))


def _question(work: Work, changed: Sequence[Touched]) -> str:
    """Say to a person what is about to happen; the todos' own words stay on their lines."""
    lines = [f"{work.asks} {len(changed)} todos?"]
    lines += [f"• {_named(one)}" for one in changed[:_NAMED]]
    if len(changed) > _NAMED:
        lines.append(f"… and {len(changed) - _NAMED} more")
    if work.reason:
        lines.append(f"The agent's reason: {visible(work.reason)}")
    return "\n".join(lines)


def _named(one: Touched) -> str:
    before, after = one.before or one.after, one.after
    fields = [name for name in TodoUpdate.model_fields if getattr(before, name) != getattr(after, name)]
    title = visible(before.title)
    title = title if len(title) <= _TITLE_SHOWN else f"{title[: _TITLE_SHOWN - 1]}…"
    return f"{title} ({', '.join(fields)})" if fields else title


def _name_items(problem: Problem, work: Work) -> None:
    """Have the refusal of a batch speak of the items that the agent sent."""
    problem.detail += " Nothing was changed."
    for error in problem.errors:
        error["pointer"] = error["pointer"].replace("/operations", f"/{work.argument}", 1)
        number = error["pointer"].rpartition("/")[2]
        if number.isdigit():
            todo_id = getattr(work.operations[int(number)], "id", None)
            parts = [str(todo_id) if todo_id else "", error["code"], error["detail"]]
            error["detail"] = ": ".join(filter(None, parts))


def _said(todos: Iterable[TodoRead]) -> list[dict[str, Any]]:
    return [todo.model_dump(mode="json", include=_SAID) for todo in todos]
