"""A design as documents: pages for specs/, the record of its prompt, a decision if the person wants one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from todo.architect.design import Access, Design, Endpoint
from todo.architect.specs import BLOCK
from todo.architect.verdict import Verdict
from todo.problems import CannotStart

RECORDS = Path("history/prompts")
DECISIONS = Path("docs/adr")
_PAGE = "---\nstatus: proposed\nfeature: {slug}\ncovers: {covers}\n---\n\n# {title}\n"
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


def pages(design: Design) -> dict[str, str]:
    """Give the proposed specifications by their names under specs/: one for the API, one for each table."""
    slug, title = design.request.slug, design.request.slug.replace("-", " ").capitalize()
    covers = " ".join(dict.fromkeys(endpoint.path for endpoint in design.api.endpoints))
    migration = [f"Migration: {design.db.migration}. {design.db.backfill or ''}"]
    sections = {
        "Overview": [
            design.request.text,
            "",
            *(f"- {it}: {said}" for it, said in design.request.answers.items()),
        ],
        "API design": _parts({one.name: one for one in design.api.endpoints}),
        "Database schema": [*_parts({one.name: one for one in design.db.tables}), *migration],
        "Authentication": _parts({one.name: one for one in design.auth.rules}),
        "Implementation notes": [
            *(f"- {note}" for note in design.notes),
            *(f"- waived: {one.rule} at {one.where}: {one.reason}" for one in design.waivers),
        ],
        "Testing strategy": _parts({one.endpoint: one for one in design.tests}),
        "Files to create or change": [f"- `{name}`" for name in design.files],
        "Served": [BLOCK],
        "The design": ["```json design", design.model_dump_json(exclude_defaults=True, indent=1), "```"],
    }
    written = {f"api/{slug}.md": _document(_PAGE.format(slug=slug, covers=covers, title=title), sections)}
    for table in design.db.tables:
        # The page of a table that is there says what is so, not what is meant to be.
        name, covers, block = (
            (table.name, table.name, BLOCK) if table.new else (f"{table.name}-{slug}", "", "")
        )
        head = _PAGE.format(slug=slug, covers=covers, title=name)
        why = f"Why it is so stands in [../api/{slug}.md](../api/{slug}.md)."
        proposed = [*_parts({table.name: table}), why, "", block]
        written[f"database/{name}.md"] = _document(head, {"Proposed": proposed})
    return written


def _parts(parts: Mapping[str, BaseModel]) -> Iterator[str]:
    """Tell whatever is not as usual of each part, a line for each."""
    for title, part in parts.items():
        yield f"### `{title}`\n"
        if isinstance(part, Endpoint):
            # One of today that is only added to says nothing of its refusals.
            codes = _said([*part.success, *part.errors]) if part.errors else "those of today"
            yield f"- status codes: {codes}"
        # Who is let in is said even where it is as usual.
        is_short, told = not isinstance(part, Access), {"success", "errors"}
        shown = part.model_dump(mode="json", exclude=told, exclude_none=True, exclude_defaults=is_short)
        for name, value in shown.items():
            lines = value if isinstance(value, list) and value and isinstance(value[0], dict) else []
            yield f"- {name}:" if lines else f"- {name}: {_said(value)}"
            yield from (f"  - {_said(one)}" for one in lines)
        yield ""


def _said(value: Any) -> str:
    match value:
        case dict():
            return "; ".join(f"{name}: {_said(one)}" for name, one in value.items())
        case list():
            return ", ".join(map(_said, value))
        case bool():
            return "yes" if value else "no"
    return str(value)


def _document(head: str, sections: Mapping[str, Iterable[str]]) -> str:
    parts = (f"\n## {heading}\n\n" + "\n".join(lines).strip() + "\n" for heading, lines in sections.items())
    return head + "".join(parts)


def slug_of(text: str) -> str:
    """Name a feature after its request."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:40].strip("-") or "feature"


def write_pages(root: Path, verdict: Verdict, course: list[str]) -> list[str]:
    """Write what a verified design leaves behind, pages and the record of its prompt, and give the names."""
    if verdict.design is None:
        return []
    design, slug = verdict.design, verdict.design.request.slug
    texts = {f"specs/{name}": text for name, text in pages(design).items()}
    looked_at = _said([f"{rule} {count}" for rule, count in verdict.examined.items() if count])
    number = _next(root / RECORDS, "*/[0-9]*.md")
    head = _RECORD.format(number=number, slug=slug, today=datetime.now(UTC), files=_said(list(texts)))
    texts[f"{RECORDS}/{slug}/{number}-{slug}.plan.prompt.md"] = _document(
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
    new = [table.name for table in design.db.tables if table.new]
    if not new and not design.api.renames and not any(table.drop for table in design.db.tables):
        return ""
    about = f"new: {_said(new)}" if new else "what is there changes"
    command = f'todo architect adr "<the decision as a sentence>" {design.request.slug}.json'
    return f"Worth a decision record ({about}): {command}"


def write_decision(root: Path, title: str, design: Design) -> str:
    """Write a decision as a draft with what the design knows, and give its name."""
    if not (root / DECISIONS).is_dir():
        raise CannotStart(
            f"There is no {DECISIONS} here: go to the project's folder, or name it with --root."
        )
    tests = _said([f"`{name}`" for proofs in design.tests for name in proofs.integration])
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
    (root / name).write_text(_document(f"# {number}: {title}\n", sections), encoding="utf-8")
    return name


def _next(folder: Path, pattern: str) -> str:
    taken = [int(path.name[:4]) for path in folder.glob(pattern)]
    return f"{max(taken, default=0) + 1:04}"
