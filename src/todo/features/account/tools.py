"""What an agent can ask about the account it works for."""

from typing import Annotated

from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ToolAnnotations

from todo.features.account.schemas import Whoami
from todo.transport.callers import client_of
from todo.transport.mcp_answer import answer
from todo.transport.mcp_call import ToolCalls
from todo.transport.mcp_tool import ServiceTool

Who = Annotated[CallToolResult, Whoami]


class AccountTools:
    """The tools of one server. Whose account it is follows from the token of the call."""

    reading_only = ("whoami",)

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls

    def all(self) -> list[Tool]:
        """Give the tools, each with what a client may expect of it."""
        return [ServiceTool.of(self.whoami, ToolAnnotations(read_only_hint=True, open_world_hint=False))]

    async def whoami(self) -> Who:
        """Say who is signed in through which client, what it may do, and how many changes it has left."""
        caller, budget = self._calls.caller, self._calls.budget
        client = client_of(caller)
        who = Whoami(
            person=caller.user_id,
            client=client.id,
            client_name=client.name,
            scopes=sorted(caller.scopes),
            writes_per_hour=budget.quota,
            writes_left=budget.left(),
        )
        return answer(who, "You act for this person:", [who.model_dump(mode="json")])
