"""What is kept of a design: the record of its prompt, and the decision if the person wants one."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from todo.architect.facts import slug_of
from todo.architect.findings import Verdict
from todo.architect.model import Design
from todo.problems import CannotStart

RECORDS = Path("history/prompts")
DECISIONS = Path("docs/adr")
_FRONT = """\
---
id: {number}
title: {slug}
stage: plan
date: {today}
feature: {slug}
command: todo architect
files: {files}
---
"""


def write_record(root: Path, design: Design, verdict: Verdict, files: list[str], course: list[str]) -> str:
    """Write the record of one prompt, of facts alone, and give its name."""
    number, slug = _next(root / RECORDS, "*/[0-9]*.md"), design.slug
    path = root / RECORDS / slug / f"{number}-{slug}.plan.prompt.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    today = date.today().isoformat()  # noqa: DTZ011  # the day where it is written
    front = _FRONT.format(number=number, slug=slug, today=today, files=", ".join(files))
    looked_at = ", ".join(f"{rule} {count}" for rule, count in verdict.examined.items() if count)
    sections = {
        "Prompt": [f"> {line}" for line in design.asked.splitlines()],
        "Response snapshot": [f"{verdict.outcome.capitalize()}; looked at: {looked_at}."],
        "Outcome": [f"- {line}" for line in [*course, *(f"Written: `{name}`" for name in files)]],
    }
    return _written(root, path, front, sections)


def suggestion(design: Design) -> str:
    """Say which decision is worth a page of its own, if any; it is written only when a person asks for it."""
    new = [table.name for table in design.db.tables if table.new]
    if not new and not design.api.renames and not any(table.drop for table in design.db.tables):
        return ""
    about = f"new: {', '.join(new)}" if new else "what is there changes"
    command = f'todo architect adr "<the decision as a sentence>" {design.slug}.json'
    return f"Worth a decision record ({about}): {command}"


def write_decision(root: Path, title: str, design: Design) -> str:
    """Write a decision as a draft with what the design knows, and give its name."""
    number = _next(root / DECISIONS, "[0-9]*.md")
    path = root / DECISIONS / f"{number}-{slug_of(title)}.md"
    if not path.parent.is_dir():
        raise CannotStart(
            f"There is no {DECISIONS} here: go to the project's folder, or name it with --root."
        )
    answers = design.request.answers if design.request else {}
    tests = ", ".join(f"`{name}`" for proof in design.tests for name in proof.integration)
    sections = {
        "Context": [design.asked],
        "Decision": [f"{title}.", *(f"- {note}" for note in design.notes)],
        "Consequences": [
            f"The migration is: {design.db.migration}.",
            *(f"- {one.rule} is waived at {one.where}: {one.reason}" for one in design.waivers),
        ],
        "Alternatives": [f"- {name}: {said}" for name, said in answers.items()] or ["None was asked for."],
        "Check that keeps it": [tests or "`todo architect check`"],
    }
    return _written(root, path, f"# {number}: {title}\n", sections)


def _written(root: Path, path: Path, head: str, sections: Mapping[str, Sequence[str]]) -> str:
    parts = [f"\n## {heading}\n\n" + "\n".join(lines) + "\n" for heading, lines in sections.items()]
    path.write_text(head + "".join(parts), encoding="utf-8")
    return path.relative_to(root).as_posix()


def _next(folder: Path, pattern: str) -> str:
    taken = [int(path.name[:4]) for path in folder.glob(pattern)]
    return f"{max(taken, default=0) + 1:04}"
