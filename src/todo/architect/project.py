"""What can be seen without running the product: imports, claims, migrations, records."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

from alembic.util.exc import CommandError

from todo.architect.evidence import Looked
from todo.auth import tokens
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, downgrade, find_drift, migrate
from todo.problems import CannotStart

_READ = re.compile(r'claims(?:\.get\(|\[)"(\w+)"')
_STAGES = "constitution|spec|plan|tasks|red|green|refactor|explainer|misc|general"
_RECORD = re.compile(rf"history/prompts/[a-z-]+/(\d{{4}})-[a-z0-9-]+\.({_STAGES})\.prompt\.md")
_SECTIONS = ("## Prompt", "## Response snapshot", "## Outcome")
_ADR_SECTIONS = ("## Context", "## Decision", "## Consequences", "## Alternatives", "## Check that keeps it")
_FAULTS = {
    "a placeholder is left": re.compile(r"\{\{|\bTODO:|\bTBD\b"),
    "holds a secret": re.compile(r"eyJ[\w-]{10,}\.|todo_[0-9a-f]{16,}|postgres(ql)?://\w+:\w+@"),
}


def claims_of_tokens() -> frozenset[str]:
    """Give the claims the verifier reads; what it does not read, no rule of access can use."""
    rests_on = inspect.signature(tokens.TokenVerifier).parameters["rests_on"].annotation
    named = re.findall(r"'(\w+)'", str(rests_on))
    return frozenset({*_READ.findall(inspect.getsource(tokens)), *named, *tokens.REQUIRED})


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
    return [Looked(name, "" if it == "KEPT" else "is broken", finished.stdout[-600:]) for name, it in kept]


def records(root: Path) -> list[Looked]:
    """Look at prompt records and decisions; give each and what is wrong with it."""
    prompts, decisions = (root / "history/prompts").rglob("*.md"), (root / "docs/adr").glob("0*.md")
    looked_at = [_record(root, path, _SECTIONS) for path in prompts]
    return sorted(looked_at + [_record(root, path, _ADR_SECTIONS) for path in decisions])


def _record(root: Path, path: Path, sections: tuple[str, ...]) -> Looked:
    name, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
    faults = [f"lacks {section}" for section in sections if section not in text]
    if sections is _SECTIONS:
        found = _RECORD.fullmatch(name)
        if not found or f"id: {found[1]}\n" not in text or f"stage: {found[2]}\n" not in text:
            faults.append("its name is not NNNN-slug.stage.prompt.md, or not what stands in it")
        faults += [fault for fault, pattern in _FAULTS.items() if pattern.search(text)]
    return Looked(name, "; ".join(faults))
