"""What to paste into the settings of common MCP clients so that they find this installation."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVERY_CLIENT = "all"
_KEY = "todo_…"


@dataclass(frozen=True)
class AgentClient:
    """A client: where its settings are, and what it wants to read there."""

    where: str
    settings: Callable[[str], dict[str, Any]]

    def text(self, origin: str) -> str:
        """Give its settings for the service at an origin."""
        return json.dumps(self.settings(origin), indent=2, ensure_ascii=False)


def _by_address(servers: str, **kind: str) -> Callable[[str], dict[str, Any]]:
    return lambda origin: {servers: {"todo": {**kind, "url": f"{origin}/mcp"}}}


def _by_command(origin: str) -> dict[str, Any]:
    command, *arguments = _this_program()
    environment = {"TODO_ORIGIN": origin, "TODO_API_KEY": _KEY}
    return {"mcpServers": {"todo": {"command": command, "args": [*arguments, "mcp"], "env": environment}}}


def _by_key(origin: str) -> dict[str, Any]:
    server = {"type": "http", "url": f"{origin}/mcp", "headers": {"X-API-Key": _KEY}}
    return {"mcpServers": {"todo": server}}


def _this_program() -> list[str]:
    # Clients start it from elsewhere and with a search path of their own.
    started_as = Path(sys.argv[0]).resolve()
    return [str(started_as)] if started_as.name == "todo" else [sys.executable, "-m", "todo"]


_A_KEY = f"with an API key of yours in place of {_KEY}"
CLIENTS = {
    "claude-code": AgentClient(
        "Claude Code: .mcp.json in a project; it signs in by itself", _by_address("mcpServers", type="http")
    ),
    "cursor": AgentClient("Cursor: .cursor/mcp.json; it signs in by itself", _by_address("mcpServers")),
    "vscode": AgentClient(
        "Visual Studio Code: .vscode/mcp.json; it signs in by itself", _by_address("servers", type="http")
    ),
    "claude-desktop": AgentClient(
        f"Claude Desktop and others that start a program: claude_desktop_config.json, {_A_KEY}", _by_command
    ),
    "api-key": AgentClient(f"Any client that sends headers over HTTP, {_A_KEY}", _by_key),
}
