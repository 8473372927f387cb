"""What is kept of a design: the record of its prompt, and the decision if the person wants one."""

from datetime import date
from pathlib import Path

from todo.architect.facts import slug_of
from todo.architect.findings import Verdict
from todo.architect.model import Design
from todo.problems import CannotStart

RECORDS = Path("history/prompts")
DECISIONS = Path("docs/adr")
_RECORD = """\
---
id: {number}
title: {slug}
stage: plan
date: {today}
feature: {slug}
command: todo architect
files: {files}
---

## Prompt

{prompt}

## Response snapshot

{outcome}; looked at: {looked_at}.

## Outcome

{course}
"""
_DECISION = """\
# {number}: {title}

## Context

{request}

## Decision

{title}.
{notes}

## Consequences

The migration is: {migration}.
{waivers}

## Alternatives

{answers}

## Check that keeps it

{tests}
"""


def write_record(root: Path, design: Design, verdict: Verdict, files: list[str], course: list[str]) -> str:
    """Write the record of one prompt, of facts alone, and give its name."""
    number = _next(root / RECORDS, "*/[0-9]*.md")
    path = root / RECORDS / design.slug / f"{number}-{design.slug}.plan.prompt.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _RECORD.format(
        number=number,
        slug=design.slug,
        today=date.today().isoformat(),  # noqa: DTZ011  # the day where it is written
        files=", ".join(files),
        prompt="\n".join(f"> {line}" for line in design.asked.splitlines()),
        outcome=verdict.outcome.capitalize(),
        looked_at=", ".join(f"{rule} {count}" for rule, count in verdict.examined.items() if count),
        course=_listed([*course, *(f"Written: `{name}`" for name in files)]),
    )
    path.write_text(text, encoding="utf-8")
    return path.relative_to(root).as_posix()


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
    text = _DECISION.format(
        number=number,
        title=title,
        request=design.asked,
        notes=_listed(design.notes),
        migration=design.db.migration,
        waivers=_listed([f"{one.rule} is waived at {one.where}: {one.reason}" for one in design.waivers]),
        answers=_listed([f"{name}: {said}" for name, said in answers.items()]) or "None was asked for.",
        tests=", ".join(f"`{name}`" for proof in design.tests for name in proof.integration)
        or "`todo architect check`",
    )
    path.write_text(text, encoding="utf-8")
    return path.relative_to(root).as_posix()


def _listed(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _next(folder: Path, pattern: str) -> str:
    taken = [int(path.name[:4]) for path in folder.glob(pattern)]
    return f"{max(taken, default=0) + 1:04}"
