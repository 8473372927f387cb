"""What can be seen without running the product: imports, claims, records."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

from alembic.util.exc import CommandError

from todo.auth import tokens
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, downgrade, find_drift, migrate
from todo.problems import CannotStart

_RECORD = re.compile(r"history/prompts/([a-z-]+)/(\d{4})-[a-z0-9-]+\.([a-z]+)\.prompt\.md$")
_STAGES = {
    "constitution", "spec", "plan", "tasks", "red", "green", "refactor", "explainer", "misc", "general",
}  # fmt: skip
_SECTIONS = ("## Prompt", "## Response snapshot", "## Outcome")
_PLACEHOLDER = re.compile(r"\{\{|\bTODO:|\bTBD\b")
_SECRET = re.compile(r"eyJ[\w-]{10,}\.|todo_[0-9a-f]{16,}|postgres(ql)?://\w+:\w+@")


def claims_of_tokens() -> frozenset[str]:
    """Give the claims the verifier reads; what it does not read, no rule of access can use."""
    tree = ast.parse(inspect.getsource(tokens))
    read = {
        node.slice.value if isinstance(node, ast.Subscript) else node.args[0].value  # type: ignore[attr-defined]
        for node in ast.walk(tree)
        if _reads_claim(node)
    }
    rests_on = get_type_hints(tokens.TokenVerifier.__init__)["rests_on"]
    named = {name for choice in get_args(rests_on) for name in get_args(choice)}
    required = next(value for name, value in vars(tokens).items() if name == "_REQUIRED")
    return frozenset(read | named | set(required))


def _reads_claim(node: ast.AST) -> bool:
    match node:
        case ast.Subscript(value=ast.Name(id="claims"), slice=ast.Constant()):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="claims"), attr="get"), args=[ast.Constant(), *_]):
            return True
    return False


async def migration_steps(url: DatabaseUrl) -> list[tuple[str, str]]:
    """Migrate an empty database up, down and up again; give each step and what was wrong with it."""

    async def up() -> None:
        async with alone(url) as gate:
            await migrate(url, gate)

    steps: list[tuple[str, str]] = []
    for name, step in (
        ("upgrade", up),
        ("downgrade to nothing", lambda: downgrade(url, "base")),
        ("upgrade again", up),
        ("the tables in code", lambda: find_drift(url)),
    ):
        try:
            await step()
        except (CannotStart, CommandError) as error:
            return [*steps, (name, str(error))]
        steps.append((name, ""))
    return steps


def layer_contracts(root: Path) -> list[tuple[str, str]]:
    """Check the contracts on imports; give each and what is wrong with it."""
    program = Path(sys.executable).with_name("lint-imports")
    if not (root / "pyproject.toml").is_file() or not program.exists():
        return []
    finished = subprocess.run(  # noqa: S603  # our own tool
        [program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    kept = re.findall(r"^(.+?) (KEPT|BROKEN)", finished.stdout, re.MULTILINE)
    return [(name, "" if state == "KEPT" else finished.stdout[-600:]) for name, state in kept]


def records(root: Path) -> list[tuple[str, str]]:
    """Look at prompt records and decisions; give each and what is wrong with it."""
    looked_at = []
    for path in sorted((root / "history/prompts").rglob("*.md")):
        name = path.relative_to(root).as_posix()
        looked_at.append((name, _fault_of_record(name, path.read_text(encoding="utf-8"))))
    for path in sorted((root / "docs/adr").glob("0*.md")):
        text = path.read_text(encoding="utf-8")
        headings = (
            "## Context",
            "## Decision",
            "## Consequences",
            "## Alternatives",
            "## Check that keeps it",
        )
        missing = [heading for heading in headings if heading not in text]
        looked_at.append(
            (path.relative_to(root).as_posix(), f"lacks {', '.join(missing)}" if missing else "")
        )
    return looked_at


def _fault_of_record(name: str, text: str) -> str:
    found = _RECORD.search(name)
    if not found or found[3] not in _STAGES:
        return "its name is not NNNN-slug.stage.prompt.md"
    if f"id: {found[2]}\n" not in text or f"stage: {found[3]}\n" not in text:
        return "its name and what stands in it differ"
    if missing := [section for section in _SECTIONS if section not in text]:
        return f"lacks {', '.join(missing)}"
    if _PLACEHOLDER.search(text):
        return "a placeholder is left"
    return "holds a secret" if _SECRET.search(text) else ""
