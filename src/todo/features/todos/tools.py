"""The same verbs as MCP tools."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel

from todo.features.todos.models import Description, Priority, Title
from todo.features.todos.schemas import TodoCreate, TodoFilter, TodoPage, TodoRead, TodoUpdate
from todo.features.todos.service import TodoService, todo_service
from todo.transport.mcp_call import ToolCalls

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


class Deleted(BaseModel):
    """What was moved to the trash."""

    id: UUID


class TodoTools:
    """The tools of one server. Whose todos they work on follows from the token of the call."""

    reading_only = ("list_todos", "get_todo")

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls

    def register(self, server: MCPServer[None]) -> None:
        """Make the tools known, each with what a client may expect of it."""
        server.add_tool(self.list_todos, annotations=_READS)
        server.add_tool(self.get_todo, annotations=_READS)
        server.add_tool(self.create_todo, annotations=_ADDS)
        server.add_tool(self.update_todo, annotations=_OVERWRITES)
        server.add_tool(self.complete_todo, annotations=_CHANGES)
        server.add_tool(self.reopen_todo, annotations=_CHANGES)
        server.add_tool(self.delete_todo, annotations=_DELETES)
        server.add_tool(self.restore_todo, annotations=_CHANGES)

    async def list_todos(self, wanted: TodoFilter | None = None) -> TodoPage:
        """List todos, a page at a time; go on with `page.next_cursor` as cursor. `total` counts all."""
        async with self._reading() as service:
            return await service.list_todos(wanted or TodoFilter())

    async def get_todo(self, todo_id: UUID) -> TodoRead:
        """Give one todo. One in the trash is not found until it is restored."""
        async with self._reading() as service:
            return await service.get_todo(todo_id)

    async def create_todo(
        self, title: Title, description: Description | None = None, priority: Priority = Priority.MEDIUM
    ) -> TodoRead:
        """Add a todo."""
        async with self._writing() as service:
            return await service.create_todo(
                TodoCreate(title=title, description=description, priority=priority)
            )

    async def update_todo(self, todo_id: UUID, changes: TodoUpdate) -> TodoRead:
        """Change the named fields of a todo; the others stay."""
        async with self._writing() as service:
            return await service.update_todo(todo_id, changes)

    async def complete_todo(self, todo_id: UUID) -> TodoRead:
        """Mark a todo done. Doing so again changes nothing."""
        async with self._writing() as service:
            return await service.complete_todo(todo_id)

    async def reopen_todo(self, todo_id: UUID) -> TodoRead:
        """Mark a todo not done."""
        async with self._writing() as service:
            return await service.reopen_todo(todo_id)

    async def delete_todo(self, todo_id: UUID) -> Deleted:
        """Move a todo to the trash; `restore_todo` brings it back."""
        async with self._writing() as service:
            await service.delete_todo(todo_id)
        return Deleted(id=todo_id)

    async def restore_todo(self, todo_id: UUID) -> TodoRead:
        """Bring a todo back from the trash."""
        async with self._writing() as service:
            return await service.restore_todo(todo_id)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[TodoService]:
        async with self._calls.reading() as transaction:
            yield todo_service(transaction, self._calls.secret, self._calls.limits)

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[TodoService]:
        async with self._calls.writing() as transaction:
            yield todo_service(transaction, self._calls.secret, self._calls.limits)
