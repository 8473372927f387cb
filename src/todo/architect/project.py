"""What can be seen without calling the product: imports, claims, migrations, records, principles."""

import inspect
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from alembic.util.exc import CommandError

from todo.architect.constitution import Constitution
from todo.architect.rules import RULES
from todo.architect.verdict import Seen
from todo.auth import tokens
from todo.database.url import DatabaseUrl
from todo.migrations.runner import downgrade, find_drift, upgrade
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


async def migration_steps(url: DatabaseUrl) -> AsyncIterator[Seen]:
    """Migrate an empty database up, down and up again; say what is wrong with each step."""
    steps: dict[str, Callable[[], Awaitable[None]]] = {
        "upgrade": lambda: upgrade(url, "head"),
        "downgrade to nothing": lambda: downgrade(url, "base"),
        "upgrade again": lambda: upgrade(url, "head"),
        "the tables in code": lambda: find_drift(url),
    }
    for name, step in steps.items():
        try:
            await step()
        except (CannotStart, CommandError) as error:
            yield Seen("DRY-2", name, str(error))
            return
        yield Seen("DRY-2", name)


def written(root: Path, constitution: Constitution) -> Iterator[Seen]:
    """Say what is wrong with what stands in a project: principles, records, imports."""
    for name, cited in constitution.principles.items():
        unknown = [it for it in cited or ["nothing"] if it not in {"review", *RULES}]
        yield Seen("DOC-1", name, f"cites {', '.join(unknown)}, which is no rule" if unknown else "")
    for path in [*(root / "history/prompts").rglob("*.md"), *(root / "docs/adr").glob("0*.md")]:
        name = path.relative_to(root).as_posix()
        yield Seen("DOC-2", name, "; ".join(_faults_of(name, path.read_text(encoding="utf-8"))))
    program = Path(sys.executable).with_name("lint-imports")
    if not (root / "pyproject.toml").is_file() or not program.exists():
        return
    linting = [str(program), "--no-cache"]
    said = subprocess.run(linting, cwd=root, capture_output=True, text=True, check=False).stdout  # noqa: S603  # our own tool
    for name, state in re.findall(r"^(.+?) (KEPT|BROKEN)", said, re.MULTILINE):
        yield Seen("LAYER-1", name, "" if state == "KEPT" else "is broken", said[-600:])


def _faults_of(name: str, text: str) -> Iterator[str]:
    is_record = name.startswith("history")
    yield from (f"lacks {it}" for it in (_SECTIONS if is_record else _ADR_SECTIONS) if it not in text)
    found = _RECORD.fullmatch(name)
    if is_record and not (found and f"id: {found[1]}\n" in text and f"stage: {found[2]}\n" in text):
        yield "its name is not NNNN-slug.stage.prompt.md, or not what stands in it"
    yield from (fault for fault, pattern in _FAULTS.items() if is_record and pattern.search(text))
