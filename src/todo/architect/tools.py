"""The architect for agents of developers: two tools and four prompts, where TODO_ARCHITECT=1 asks for them.

What is judged runs in a process of its own: it starts a database, and listens to all that is logged.
"""

import asyncio
import functools
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts import Prompt
from mcp_types import ToolAnnotations

from todo.architect.brief import ROLES, instructions_of
from todo.architect.design import Design
from todo.architect.verdict import Verdict

_ADVISES = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_LONGEST_SECONDS = 300


def add_architect(server: MCPServer[None]) -> None:
    """Make the tools and prompts known."""
    server.add_tool(architect_brief, annotations=_ADVISES)
    server.add_tool(architect_verify, annotations=_ADVISES)
    for role in ROLES:
        told = functools.partial(instructions_of, role)
        server.add_prompt(Prompt(name=role, title=role, fn=told, arguments=[]))


async def architect_brief(request: str) -> dict[str, Any]:
    """Give what it takes to design a feature of this backend: live facts, the form of a design, questions."""
    brief: dict[str, Any] = await _run("design", request)
    return brief


async def architect_verify(design: Design, answers: dict[str, str] | None = None) -> Verdict:
    """Judge a design over the running system: findings with evidence, and questions for the person."""
    if answers:
        request = design.request.model_copy(update={"answers": {**design.request.answers, **answers}})
        design = design.model_copy(update={"request": request})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "design.json"
        await asyncio.to_thread(file.write_text, design.model_dump_json(), encoding="utf-8")
        return Verdict.model_validate(await _run("verify", str(file)))


async def _run(command: str, argument: str) -> Any:
    # The client's own model is what designs here.
    environment = {name: value for name, value in os.environ.items() if name != "TODO_ARCHITECT_MODEL"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "todo", "architect", command, "--json", "--", argument),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            output, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return json.loads(output)
