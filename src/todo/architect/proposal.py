"""What a design leaves behind: its pages, the record of its prompt, a decision if the person wants one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from todo.architect.design import Access, Change, Design, Endpoint, Field, slug_of
from todo.architect.specs import BLOCK
from todo.architect.verdict import Verdict
from todo.problems import CannotStart

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
    """Give the proposed specifications by their names: one for the API, one for each table it changes."""
    slug, request = design.request.slug, design.request
    covers = " ".join(dict.fromkeys(endpoint.path for endpoint in design.api.endpoints))
    head = _PAGE.format(slug=slug, covers=covers, title=slug.replace("-", " ").capitalize())
    tables = {
        name: [it for it in design.db.changes if it.table == name]
        for name in dict.fromkeys(it.table for it in design.db.changes)
    }
    text = _document(head, {
        "Overview": [request.text, "", *(f"- {name}: {said}" for name, said in request.answers.items())],
        "API design": [line for one in design.api.endpoints for line in _endpoint(one)],
        "Database schema": [
            *map(_statements, tables.values()),
            f"Migration: {design.db.migration}. {design.db.backfill or ''}",
        ],
        "Authentication": map(_access, design.auth.rules),
        "Implementation notes": [
            *(f"- {note}" for note in design.notes),
            *(f"- waived: {one.rule} at {one.where}: {one.reason}" for one in design.waivers),
        ],
        "Testing strategy": [
            f"`{one.endpoint}`\n\n- unit: {_named(one.unit)}\n- integration: {_named(one.integration)}\n"
            f"- edge: {_named(one.edge)}\n" for one in design.tests
        ],
        "Files to create or change": [f"- `{name}`" for name in design.files],
        "Served": [BLOCK],
        "The design": ["```json design", design.model_dump_json(exclude_defaults=True, indent=1), "```"],
    })  # fmt: skip
    return {f"specs/api/{slug}.md": text} | dict(_table_page(*it, slug) for it in tables.items())


def _document(head: str, sections: Mapping[str, Iterable[str]]) -> str:
    parts = (f"\n## {heading}\n\n" + "\n".join(lines).strip() + "\n" for heading, lines in sections.items())
    return head + "".join(parts)


def _endpoint(endpoint: Endpoint) -> Iterator[str]:
    yield f"### `{endpoint.name}`\n"
    if endpoint.summary:
        yield endpoint.summary + "\n"
    # One of today that is only added to says nothing of its refusals, nor of its tool.
    codes = ", ".join(map(str, [*endpoint.success, *endpoint.errors]))
    why = f"none: {endpoint.no_tool_because}" if endpoint.no_tool_because else "that of today"
    told = {
        "request": ", ".join(map(_field, endpoint.request)) or "nothing more",
        "response": ", ".join(map(_field, endpoint.response)) or "nothing more",
        "status codes": codes if endpoint.errors else "those of today",
        "filters": ", ".join(f"`{name}` ({it})" for name, it in endpoint.filters.items()),
        "orders": ", ".join(f"`{name}` ({by})" for name, by in endpoint.sorts.items()),
        "tool": endpoint.mcp_tool or why,
    }
    yield from (f"- {name}: {said}" for name, said in told.items() if said)
    yield ""


def _field(field: Field) -> str:
    parts = [field.type, "" if field.required else "optional", "or null" if field.nullable else ""]
    parts += [f"≤ {field.max_length}" if field.max_length else "", "|".join(field.values or [])]
    return f"`{field.name}` ({' '.join(filter(None, parts))})"


def _named(tests: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in tests)


def _statements(changes: Iterable[Change]) -> str:
    lines = ["```sql"]
    for change in changes:
        lines += [f"-- {line}" for line in change.because.splitlines()]
        lines.append(change.sql.strip().rstrip(";") + ";")
    return "\n".join([*lines, "```\n"])


def _table_page(table: str, changes: Sequence[Change], slug: str) -> tuple[str, str]:
    """Give its name and text. The page of a table that is there says what is so, not what is meant to be."""
    is_new = any(change.sql.upper().startswith("CREATE TABLE") for change in changes)
    name = table if is_new else f"{table}-{slug}"
    head = _PAGE.format(slug=slug, covers=table if is_new else "", title=name)
    why = f"Why it is so stands in [../api/{slug}.md](../api/{slug}.md)."
    sections = {"Proposed": [_statements(changes), why, "", BLOCK if is_new else ""]}
    return f"specs/database/{name}.md", _document(head, sections)


def _access(access: Access) -> str:
    claims = ", ".join(filter(None, [*access.claims, access.scope]))
    checks = ", ".join([*access.checks, *(["owner"] if access.ownership else [])])
    foreign = f"; {access.foreign} for another's" if access.foreign else ""
    asked = f"claims {claims or 'none'}; checks {checks or 'nothing'}{foreign}"
    return f"- `{access.endpoint}`: {access.level}; {asked}"


def write_pages(root: Path, verdict: Verdict, design: Design, course: list[str]) -> list[str]:
    """Write what a verified design leaves behind, pages and the record of its prompt, and give the names."""
    slug, texts = design.request.slug, pages(design)
    looked_at = ", ".join(f"{rule} {count}" for rule, count in verdict.examined.items() if count)
    number = _next(root / "history/prompts", "*/[0-9]*.md")
    head = _RECORD.format(number=number, slug=slug, today=datetime.now(UTC), files=", ".join(texts))
    texts[f"history/prompts/{slug}/{number}-{slug}.plan.prompt.md"] = _document(
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
    return [*texts]


def suggestion(design: Design) -> str:
    """Say that a decision is worth a page, if one is; it is written only when a person asks for it."""
    is_new = any(one.sql.upper().startswith("CREATE TABLE") for one in design.db.changes)
    command = f'todo architect adr "<the decision as a sentence>" {design.request.slug}.json'
    is_hard = design.db.migration in {"transform", "contract"}
    return f"Worth a decision record: {command}" if is_new or is_hard else ""


def write_decision(root: Path, title: str, design: Design) -> str:
    """Write a decision as a draft with what the design knows, and give its name."""
    folder = root / "docs/adr"
    if not folder.is_dir():
        raise CannotStart("There is no docs/adr here: go to the project's folder, or name it with --root.")
    number = _next(folder, "[0-9]*.md")
    name = f"docs/adr/{number}-{slug_of(title)}.md"
    waived = (f"- {one.rule} is waived at {one.where}: {one.reason}" for one in design.waivers)
    answers = [f"- {name}: {said}" for name, said in design.request.answers.items()]
    tests = _named(name for proofs in design.tests for name in proofs.integration)
    sections = {
        "Context": [design.request.text],
        "Decision": [f"{title}.", *(f"- {note}" for note in design.notes)],
        "Consequences": [f"The migration is: {design.db.migration}.", *waived],
        "Alternatives": answers or ["None was asked for."],
        "Check that keeps it": [tests or "`todo architect check`"],
    }
    (root / name).write_text(_document(f"# {number}: {title}\n", sections), encoding="utf-8")
    return name


def _next(folder: Path, pattern: str) -> str:
    taken = [int(path.name[:4]) for path in folder.glob(pattern)]
    return f"{max(taken, default=0) + 1:04}"
