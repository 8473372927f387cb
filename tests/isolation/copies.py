"""Copies of the product's source with something changed, and programs run on such a copy."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/todo"


class Change(NamedTuple):
    """One text of one file, replaced by another."""

    file: str
    old: str
    new: str


def copy_source(folder: Path, changes: Iterable[Change]) -> Path:
    """Copy the source, change it, and give the folder to import it from.

    Raises `AssertionError` if a text to replace does not stand there exactly once: the code has moved on.
    """
    shutil.copytree(SOURCE, folder / "todo", ignore=shutil.ignore_patterns("__pycache__"))
    for change in changes:
        path = folder / "todo" / change.file
        text = path.read_text(encoding="utf-8")
        assert text.count(change.old) == 1, (
            f"{change.old!r} is {text.count(change.old)} times in {change.file}"
        )
        path.write_text(text.replace(change.old, change.new), encoding="utf-8")
    return folder


def change_migrations(folder: Path, old: str, new: str) -> None:
    """Replace a pattern in every migration of a copy."""
    changed = 0
    for path in (folder / "todo/migrations/versions").glob("*.py"):
        text, count = re.subn(old, new, path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
        changed += count
    assert changed >= 3, f"the migrations say {old!r} in other words"


def open_policies(folder: Path) -> None:
    """Let the policies of a copy show every row to everybody."""
    old, new = r"USING \([^)]*\) WITH CHECK \([^)]*\)", "USING (true) WITH CHECK (true)"
    change_migrations(folder, old, new)


def run_on(
    folder: Path, *arguments: str, seconds: float = 600, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run a module of ours with `todo` imported from a copy, and give how it ended."""
    return subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
