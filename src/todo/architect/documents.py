"""A design as documents: pages for specs/, the record of its prompt, a decision if the person wants one."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from todo.architect.design import Column, Design, Endpoint, Field, Proofs, Table
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
    slug, answers = design.slug, design.request.answers if design.request else {}
    covers = " ".join(dict.fromkeys(endpoint.path for endpoint in design.api.endpoints))
    title = slug.replace("-", " ").capitalize()
    migration = f"Migration: {design.db.migration}. {design.db.backfill or ''}".strip()
    waived = (f"- Waived: {one.rule} at {one.where}: {one.reason}" for one in design.waivers)
    sections = {
        "Overview": [design.asked, "", *(f"- Decided, {it}: {said}" for it, said in answers.items())],
        "API design": [line for endpoint in design.api.endpoints for line in _endpoint(endpoint)],
        "Database schema": [*(line for table in design.db.tables for line in _table(table)), migration],
        "Authentication": _rows(
            "endpoint | level | claims | another's | checks",
            (
                (f"`{one.endpoint}`", one.level, _list([*one.claims, one.scope]), one.foreign or "",
                 "; ".join([*one.checks, *(["owner"] if one.ownership else [])]))
                for one in design.auth.rules
            ),
        ),
        "Implementation notes": [*(f"- {note}" for note in design.notes), *waived],
        "Testing strategy": [line for proofs in design.tests for line in _proofs(proofs)],
        "Files to create or change": [f"- `{name}`" for name in design.files],
        "Served": [BLOCK],
        "The design": ["```json design", design.model_dump_json(exclude_defaults=True, indent=1), "```"],
    }  # fmt: skip
    written = {f"api/{slug}.md": _document(_PAGE.format(slug=slug, covers=covers, title=title), sections)}
    for table in design.db.tables:
        # The page of a table that is there says what is so, not what is meant to be.
        name, covers, block = (
            (table.name, table.name, BLOCK) if table.new else (f"{table.name}-{slug}", "", "")
        )
        head = _PAGE.format(slug=slug, covers=covers, title=name)
        why = f"Why it is so stands in [../api/{slug}.md](../api/{slug}.md)."
        written[f"database/{name}.md"] = _document(
            head, {"Proposed": [*_table(table), why], "Served": [block]}
        )
    return written


def _endpoint(endpoint: Endpoint) -> Iterator[str]:
    codes = _list([*endpoint.success, *endpoint.errors])
    yield f"### `{endpoint.name}`\n"
    yield f"{endpoint.summary}\n" if endpoint.summary else ""
    yield f"- request: {_list(map(_field, endpoint.request)) or 'nothing more'}"
    yield f"- response: {_list(map(_field, endpoint.response)) or 'nothing more'}"
    # One of today that is only added to says nothing of its refusals.
    yield f"- status codes: {codes if endpoint.errors else 'those of today'}"
    if endpoint.filters or endpoint.sorts:
        filters = (f"`{one.name}` ({one.column} {one.op})" for one in endpoint.filters)
        yield f"- filters: {_list(filters)}; orders: {_list(f'`{one.name}`' for one in endpoint.sorts)}"
    without = f"none: {endpoint.no_tool_because}" if endpoint.no_tool_because else "that of today"
    yield f"- tool: {endpoint.mcp_tool or without}\n"


def _field(field: Field) -> str:
    parts = [field.type, "" if field.required else "optional", "or null" if field.nullable else ""]
    parts += [f"≤ {field.max_length}" if field.max_length else "", "|".join(field.values or [])]
    return f"`{field.name}` ({' '.join(filter(None, parts))})"


def _table(table: Table) -> Iterator[str]:
    yield f"### `{table.name}`{' (new)' if table.new else ''}\n"
    yield from _rows("column | type | null | default", map(_column, table.columns))
    yield from _rows(
        "index | where | why",
        (
            (f"({_list(index.columns)})", " and ".join(
                f"{one.column} {one.op} {one.value or ''}".strip() for one in index.where), index.rationale)
            for index in table.indexes
        ),
    )  # fmt: skip
    for key in table.foreign_keys:
        to, rule = f"{key.table} ({_list(key.references)})", (key.on_delete or "").lower()
        yield f"({_list(key.columns)}) refers to {to}, on delete {rule}.\n"
    if table.new:
        yield f"Key: ({_list(table.primary_key)}); rows belong to `{table.owner}`, by row-level security.\n"


def _column(column: Column) -> tuple[str, ...]:
    bound = f" ≤ {column.max_length}" if column.max_length else ""
    kind = column.type + bound + (f": {_list(column.values)}" if column.values else "")
    return f"`{column.name}`", kind, "yes" if column.nullable else "no", column.default or ""


def _proofs(proofs: Proofs) -> Iterator[str]:
    yield f"`{proofs.endpoint}`\n"
    for kind, named in proofs.by_kind.items():
        yield f"- {kind}: {_list(f'`{name}`' for name in named)}"
    yield ""


def _rows(head: str, rows: Iterable[Iterable[object]]) -> list[str]:
    lines = [head, " | ".join("---" for _ in head.split("|")), *(" | ".join(map(str, row)) for row in rows)]
    return [*(f"| {line} |" for line in lines), ""]


def _list(parts: Iterable[object]) -> str:
    return ", ".join(str(part) for part in parts if part)


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
    design, slug = verdict.design, verdict.design.slug
    texts = {f"specs/{name}": text for name, text in pages(design).items()}
    looked_at = _list(f"{rule} {count}" for rule, count in verdict.examined.items() if count)
    number = _next(root / RECORDS, "*/[0-9]*.md")
    head = _RECORD.format(number=number, slug=slug, today=datetime.now(UTC), files=_list(texts))
    texts[f"{RECORDS}/{slug}/{number}-{slug}.plan.prompt.md"] = _document(
        head,
        {
            "Prompt": [f"> {line}" for line in design.asked.splitlines()],
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
    about = f"new: {_list(new)}" if new else "what is there changes"
    command = f'todo architect adr "<the decision as a sentence>" {design.slug}.json'
    return f"Worth a decision record ({about}): {command}"


def write_decision(root: Path, title: str, design: Design) -> str:
    """Write a decision as a draft with what the design knows, and give its name."""
    if not (root / DECISIONS).is_dir():
        raise CannotStart(
            f"There is no {DECISIONS} here: go to the project's folder, or name it with --root."
        )
    answers = design.request.answers if design.request else {}
    tests = _list(f"`{name}`" for proofs in design.tests for name in proofs.integration)
    number = _next(root / DECISIONS, "[0-9]*.md")
    name = f"{DECISIONS}/{number}-{slug_of(title)}.md"
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
    (root / name).write_text(_document(f"# {number}: {title}\n", sections), encoding="utf-8")
    return name


def _next(folder: Path, pattern: str) -> str:
    taken = [int(path.name[:4]) for path in folder.glob(pattern)]
    return f"{max(taken, default=0) + 1:04}"
