"""Todos as MCP resources: what a person can hand to an agent without a tool being called."""

from uuid import UUID

from mcp.server.mcpserver import MCPServer

from todo.features.todos.rules import TodoNotFound
from todo.features.todos.schemas import PAGE_LIMIT_MAX, TodoFilter, TodoSort, TodoStatus
from todo.features.todos.service import todo_reader
from todo.transport.mcp_answer import WRITTEN_BY_PEOPLE, json_data
from todo.transport.mcp_call import ToolCalls, refused_as_resource

OPEN_TODOS = "todo://todos/open"
ONE_TODO = "todo://todos/{todo_id}"
_JSON = "application/json"
# As many as fit on a page, what matters most first.
OPEN = TodoFilter(status=TodoStatus.ACTIVE, sort=TodoSort.PRIORITY_DESC, limit=PAGE_LIMIT_MAX)


class TodoResources:
    """The resources of one server. Whose todos they show follows from the token of the call."""

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls

    def register(self, server: MCPServer[None]) -> None:
        """Make the resources known."""
        show = server.resource(
            OPEN_TODOS, title="Today's open list", mime_type=_JSON, meta=dict(WRITTEN_BY_PEOPLE)
        )
        show(self.open_todos)
        show = server.resource(ONE_TODO, title="One todo", mime_type=_JSON, meta=dict(WRITTEN_BY_PEOPLE))
        show(self.one_todo)

    async def open_todos(self) -> str:
        """Give what is still to be done, most urgent first, at most 100."""
        with refused_as_resource():
            async with self._calls.reading() as transaction:
                reader = todo_reader(transaction, self._calls.secret)
                return json_data((await reader.list_todos(OPEN)).read())

    async def one_todo(self, todo_id: str) -> str:
        """Give one todo by its id."""
        with refused_as_resource():
            async with self._calls.reading() as transaction:
                reader = todo_reader(transaction, self._calls.secret)
                return json_data((await reader.get_todo(_id_of(todo_id))).read())


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise TodoNotFound from None
