"""What can be seen without running the product: imports, claims, migrations, records."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

from alembic.util.exc import CommandError

from todo.architect.case import Looked
from todo.auth import tokens
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, downgrade, find_drift, migrate
from todo.problems import CannotStart

_READ = re.compile(r'claims(?:\.get\(|\[)"(\w+)"')
_RECORD = re.compile(r"history/prompts/[a-z-]+/(\d{4})-[a-z0-9-]+\.([a-z]+)\.prompt\.md$")
_STAGES = re.compile("constitution|spec|plan|tasks|red|green|refactor|explainer|misc|general")
_SECTIONS = ("## Prompt", "## Response snapshot", "## Outcome")
_ADR_SECTIONS = ("## Context", "## Decision", "## Consequences", "## Alternatives", "## Check that keeps it")
_PLACEHOLDER = re.compile(r"\{\{|\bTODO:|\bTBD\b")
_SECRET = re.compile(r"eyJ[\w-]{10,}\.|todo_[0-9a-f]{16,}|postgres(ql)?://\w+:\w+@")


def claims_of_tokens() -> frozenset[str]:
    """Give the claims the verifier reads; what it does not read, no rule of access can use."""
    read = _READ.findall(inspect.getsource(tokens))
    rests_on = inspect.signature(tokens.TokenVerifier).parameters["rests_on"].annotation
    return frozenset({*read, *tokens.REQUIRED, *re.findall(r"'(\w+)'", str(rests_on))})


async def migration_steps(url: DatabaseUrl) -> list[Looked]:
    """Migrate an empty database up, down and up again; give each step and what was wrong with it."""

    async def up() -> None:
        async with alone(url) as gate:
            await migrate(url, gate)

    steps: list[Looked] = []
    for name, step in (
        ("upgrade", up),
        ("downgrade to nothing", lambda: downgrade(url, "base")),
        ("upgrade again", up),
        ("the tables in code", lambda: find_drift(url)),
    ):
        try:
            await step()
        except (CannotStart, CommandError) as error:
            return [*steps, Looked(name, str(error))]
        steps.append(Looked(name))
    return steps


def layer_contracts(root: Path) -> list[Looked]:
    """Check the contracts on imports; give each and what is wrong with it."""
    program = Path(sys.executable).with_name("lint-imports")
    if not (root / "pyproject.toml").is_file() or not program.exists():
        return []
    finished = subprocess.run(  # noqa: S603  # our own tool
        [program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    kept = re.findall(r"^(.+?) (KEPT|BROKEN)", finished.stdout, re.MULTILINE)
    return [
        Looked(name) if state == "KEPT" else Looked(name, "is broken", finished.stdout[-600:])
        for name, state in kept
    ]


def records(root: Path) -> list[Looked]:
    """Look at prompt records and decisions; give each and what is wrong with it."""
    looked_at = []
    for path in [*(root / "history/prompts").rglob("*.md"), *(root / "docs/adr").glob("0*.md")]:
        name, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
        is_record = name.startswith("history")
        missing = [one for one in (_SECTIONS if is_record else _ADR_SECTIONS) if one not in text]
        fault = f"lacks {', '.join(missing)}" if missing else _fault_of(name, text) if is_record else ""
        looked_at.append(Looked(name, fault))
    return sorted(looked_at)


def _fault_of(name: str, text: str) -> str:
    found = _RECORD.search(name)
    if not found or not _STAGES.fullmatch(found[2]):
        return "its name is not NNNN-slug.stage.prompt.md"
    if f"id: {found[1]}\n" not in text or f"stage: {found[2]}\n" not in text:
        return "its name and what stands in it differ"
    if _PLACEHOLDER.search(text):
        return "a placeholder is left"
    return "holds a secret" if _SECRET.search(text) else ""
