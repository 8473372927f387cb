"""What a design leaves behind: its pages, the record of its prompt, a decision if the person wants one."""

import re
from datetime import UTC, datetime
from pathlib import Path

from todo.architect.design import Design
from todo.architect.pages import document, pages
from todo.architect.verdict import Verdict
from todo.problems import CannotStart

RECORDS = Path("history/prompts")
DECISIONS = Path("docs/adr")
_RECORD = """\
---
id: {number}
title: {slug}
stage: plan
date: {today:%Y-%m-%d}
feature: {slug}
command: todo architect
files: {files}
---
"""


def slug_of(text: str) -> str:
    """Name a feature after its request."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:40].strip("-") or "feature"


def write_pages(root: Path, verdict: Verdict, course: list[str]) -> list[str]:
    """Write what a verified design leaves behind, pages and the record of its prompt, and give the names."""
    if verdict.design is None:
        return []
    design, slug = verdict.design, verdict.design.request.slug
    texts = {f"specs/{name}": text for name, text in pages(design).items()}
    looked_at = ", ".join(f"{rule} {count}" for rule, count in verdict.examined.items() if count)
    number = _next(root / RECORDS, "*/[0-9]*.md")
    head = _RECORD.format(number=number, slug=slug, today=datetime.now(UTC), files=", ".join(texts))
    texts[f"{RECORDS}/{slug}/{number}-{slug}.plan.prompt.md"] = document(
        head,
        {
            "Prompt": [f"> {line}" for line in design.request.text.splitlines()],
            "Response snapshot": [f"{verdict.outcome.capitalize()}; looked at: {looked_at}."],
            "Outcome": [f"- {line}" for line in [*course, *(f"Written: `{name}`" for name in texts)]],
        },
    )
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return list(texts)


def suggestion(design: Design) -> str:
    """Say which decision is worth a page of its own, if any; it is written only when a person asks for it."""
    new = [one.table for one in design.db.changes if one.is_new]
    if not new and design.db.migration.is_gentle:
        return ""
    about = f"new: {', '.join(new)}" if new else "what is there changes"
    command = f'todo architect adr "<the decision as a sentence>" {design.request.slug}.json'
    return f"Worth a decision record ({about}): {command}"


def write_decision(root: Path, title: str, design: Design) -> str:
    """Write a decision as a draft with what the design knows, and give its name."""
    if not (root / DECISIONS).is_dir():
        raise CannotStart(
            f"There is no {DECISIONS} here: go to the project's folder, or name it with --root."
        )
    tests = ", ".join(f"`{name}`" for proofs in design.tests for name in proofs.integration)
    number = _next(root / DECISIONS, "[0-9]*.md")
    name = f"{DECISIONS}/{number}-{slug_of(title)}.md"
    sections = {
        "Context": [design.request.text],
        "Decision": [f"{title}.", *(f"- {note}" for note in design.notes)],
        "Consequences": [
            f"The migration is: {design.db.migration}.",
            *(f"- {one.rule} is waived at {one.where}: {one.reason}" for one in design.waivers),
        ],
        "Alternatives": [f"- {name}: {said}" for name, said in design.request.answers.items()]
        or ["None was asked for."],
        "Check that keeps it": [tests or "`todo architect check`"],
    }
    (root / name).write_text(document(f"# {number}: {title}\n", sections), encoding="utf-8")
    return name


def _next(folder: Path, pattern: str) -> str:
    taken = [int(path.name[:4]) for path in folder.glob(pattern)]
    return f"{max(taken, default=0) + 1:04}"
