"""The same verbs as MCP tools, those that change something for many todos at once."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ToolAnnotations

from todo.features.todos.schemas import (
    ActOperation,
    ChangedTodos,
    CreateOperation,
    ManyTodos,
    NewTodos,
    OneTodo,
    Operation,
    TodoEdits,
    TodoFilter,
    TodoPage,
    TodoRead,
    TodoUpdate,
    UpdateOperation,
)
from todo.features.todos.service import TodoService, todo_service
from todo.problems import Problem
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

Page = Annotated[CallToolResult, TodoPage]
One = Annotated[CallToolResult, TodoRead]
Changed = Annotated[CallToolResult, ChangedTodos]


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
        return await self._change("create_todos", "Added", "todos", additions)

    async def update_todos(self, wanted: TodoEdits) -> Changed:
        """Change the named fields of todos; the others stay."""
        updates = [
            UpdateOperation(op="update", id=edit.id, changes=TodoUpdate(**edit.changes()))
            for edit in wanted.todos
        ]
        return await self._change("update_todos", "Updated", "todos", updates)

    async def complete_todos(self, wanted: ManyTodos) -> Changed:
        """Mark todos done. Doing so again changes nothing."""
        return await self._change("complete_todos", "Completed", "todo_ids", _each(wanted, "complete"))

    async def reopen_todos(self, wanted: ManyTodos) -> Changed:
        """Mark todos not done."""
        return await self._change("reopen_todos", "Reopened", "todo_ids", _each(wanted, "reopen"))

    async def delete_todos(self, wanted: ManyTodos) -> Changed:
        """Move todos to the trash; `restore_todos` brings them back."""
        return await self._change("delete_todos", "Deleted", "todo_ids", _each(wanted, "delete"))

    async def restore_todos(self, wanted: ManyTodos) -> Changed:
        """Bring todos back from the trash."""
        return await self._change("restore_todos", "Restored", "todo_ids", _each(wanted, "restore"))

    async def _change(self, tool: str, done: str, argument: str, operations: Sequence[Operation]) -> Changed:
        async with self._calls.writing(tool=tool) as transaction:
            service = todo_service(transaction, self._calls.secret, self._calls.limits)
            try:
                touched = await service.change_todos(operations)
            except Problem as problem:
                _name_items(problem, argument, operations)
                raise
        todos = [one.after for one in touched]
        return answer(ChangedTodos(todos=todos), f"{done}: {len(todos)}", _said(todos))

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[TodoService]:
        async with self._calls.reading() as transaction:
            yield todo_service(transaction, self._calls.secret, self._calls.limits)


def _each(wanted: ManyTodos, act: Literal["complete", "reopen", "delete", "restore"]) -> list[ActOperation]:
    return [ActOperation(op=act, id=todo_id) for todo_id in wanted.todo_ids]


def _name_items(problem: Problem, argument: str, operations: Sequence[Operation]) -> None:
    """Have the refusal of a batch speak of the items that the agent sent."""
    problem.detail += " Nothing was changed."
    for error in problem.errors:
        error["pointer"] = error["pointer"].replace("/operations", f"/{argument}", 1)
        number = error["pointer"].rpartition("/")[2]
        if number.isdigit():
            todo_id = getattr(operations[int(number)], "id", None)
            error["detail"] = ": ".join(
                filter(None, [todo_id and str(todo_id), error["code"], error["detail"]])
            )


def _said(todos: Iterable[TodoRead]) -> list[dict[str, Any]]:
    return [todo.model_dump(mode="json", include=_SAID) for todo in todos]
