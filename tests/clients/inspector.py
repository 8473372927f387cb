"""The Inspector, as somebody runs it in a terminal."""

import json
from pathlib import Path
from typing import Any

from tests.clients.node import INSPECTOR

TOOL_FAILED = 5
SIGN_IN_NEEDED = 3


class Inspector:
    """The Inspector at one server; what it keeps stays in a folder of its own."""

    def __init__(self, home: Path, *server: str) -> None:
        self._home = home
        self._server = server

    async def ask(self, method: str, *options: str, exit_code: int = 0) -> dict[str, Any]:
        """Send one request, and give its result."""
        wanted = ("--cli", "--quiet", "--format", "json", "--method", method)
        finished = await INSPECTOR.run(*wanted, *options, *self._server, HOME=str(self._home))
        assert finished.exit_code == exit_code, finished
        result: dict[str, Any] = json.loads(finished.output)["result"] if finished.output else {}
        return result

    async def call(self, tool: str, exit_code: int = 0, **arguments: Any) -> dict[str, Any]:
        """Call a tool."""
        wanted = ("--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        return await self.ask("tools/call", *wanted, exit_code=exit_code)
