"""MCP clients that others wrote for Node, installed when first asked for, once for each lock file."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fasteners import InterProcessLock

from hatch_build import NODE_HOME, npm

_SOURCE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json", ".npmrc")
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Finished:
    """How a run ended, what it said, and what else it had to say."""

    exit_code: int
    output: str
    asides: str


class NodeClient:
    """A program of one of the packages."""

    def __init__(self, package: str, script: str) -> None:
        self.package = f"@modelcontextprotocol/{package}"
        self._folder = Path("node_modules") / self.package
        self._script = script

    def read(self, name: str) -> str:
        """Give a text that comes with it."""
        return (_installed() / self._folder / name).read_text(encoding="utf-8")

    async def run(
        self, *arguments: str, on_line: Callable[[str], Awaitable[object]] | None = None, **environment: str
    ) -> Finished:
        """Run it to its end; `on_line` hears what it says, and may do something about it meanwhile."""
        folder = await asyncio.to_thread(_installed)
        process = await asyncio.create_subprocess_exec(
            NODE_HOME / "bin" / "node",
            folder / self._folder / self._script,
            *arguments,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env={**os.environ, "NO_COLOR": "1", **environment},
        )
        assert process.stdout
        assert process.stderr
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
                asides = tasks.create_task(process.stderr.read())
                lines = []
                async for line in process.stdout:
                    lines.append(line.decode())
                    if on_line:
                        await on_line(lines[-1])
            return Finished(await process.wait(), "".join(lines), (await asides).decode())
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


CONFORMANCE = NodeClient("conformance", "dist/index.js")
INSPECTOR = NodeClient("inspector", "clients/launcher/build/index.js")


def _installed() -> Path:
    digest = sha256((_SOURCE / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = Path(sys.prefix) / "mcp-clients" / digest
    folder.parent.mkdir(exist_ok=True)
    with InterProcessLock(folder.with_suffix(".lock")):
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            for name in _FILES:
                shutil.copy(_SOURCE / name, unfinished)
            npm("the MCP clients", unfinished, "ci", "--ignore-scripts", "--omit=optional")
            unfinished.rename(folder)
    return folder
