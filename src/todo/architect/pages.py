"""A design as the pages it is read on: one for the API, one for each table it touches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from todo.architect.design import Access, Column, Design, Endpoint, Field, Index, Table
from todo.architect.specs import BLOCK

_PAGE = "---\nstatus: proposed\nfeature: {slug}\ncovers: {covers}\n---\n\n# {title}\n"
_ACCESS = "endpoint | level | claims | another's | checks"


def pages(design: Design) -> dict[str, str]:
    """Give the proposed specifications by their names under specs/."""
    slug, request = design.request.slug, design.request
    covers = " ".join(dict.fromkeys(endpoint.path for endpoint in design.api.endpoints))
    head = _PAGE.format(slug=slug, covers=covers, title=slug.replace("-", " ").capitalize())
    answers = [f"- {question}: {answer}" for question, answer in request.answers.items()]
    waivers = [f"- waived: {one.rule} at {one.where}: {one.reason}" for one in design.waivers]
    sections = {
        "Overview": [request.text, "", *answers],
        "API design": [line for one in design.api.endpoints for line in _endpoint(one)],
        "Database schema": [
            *(line for one in design.db.tables for line in _table(one)),
            f"Migration: {design.db.migration}. {design.db.backfill or ''}",
        ],
        "Authentication": _grid(
            "endpoint | level | claims | another's | checks", map(_access, design.auth.rules)
        ),
        "Implementation notes": [*(f"- {note}" for note in design.notes), *waivers],
        "Testing strategy": [line for one in design.tests for line in _proofs(one.endpoint, one.by_kind)],
        "Files to create or change": [f"- `{name}`" for name in design.files],
        "Served": [BLOCK],
        "The design": ["```json design", design.model_dump_json(exclude_defaults=True, indent=1), "```"],
    }
    return {f"api/{slug}.md": document(head, sections)} | {
        f"database/{name}.md": text for name, text in (_table_page(one, slug) for one in design.db.tables)
    }


def document(head: str, sections: Mapping[str, Iterable[str]]) -> str:
    """Put a document together from its sections."""
    parts = (f"\n## {heading}\n\n" + "\n".join(lines).strip() + "\n" for heading, lines in sections.items())
    return head + "".join(parts)


def _endpoint(endpoint: Endpoint) -> Iterator[str]:
    yield f"### `{endpoint.name}`\n"
    if endpoint.summary:
        yield endpoint.summary + "\n"
    yield f"- request: {_fields(endpoint.request)}"
    yield f"- response: {_fields(endpoint.response)}"
    # One of today that is only added to says nothing of its refusals.
    codes = ", ".join(map(str, [*endpoint.success, *endpoint.errors]))
    yield f"- status codes: {codes if endpoint.errors else 'those of today'}"
    if endpoint.filters:
        yield "- filters: " + ", ".join(f"`{one.name}` ({one.column} {one.op})" for one in endpoint.filters)
    if endpoint.sorts:
        yield "- orders: " + ", ".join(f"`{one.name}`" for one in endpoint.sorts)
    why = f"none: {endpoint.no_tool_because}" if endpoint.no_tool_because else "that of today"
    yield f"- tool: {endpoint.mcp_tool or why}\n"


def _fields(fields: Sequence[Field]) -> str:
    def said(field: Field) -> str:
        parts = [field.type, "" if field.required else "optional", "or null" if field.nullable else ""]
        parts += [f"≤ {field.max_length}" if field.max_length else "", "|".join(field.values or [])]
        return f"`{field.name}` ({' '.join(filter(None, parts))})"

    return ", ".join(map(said, fields)) or "nothing more"


def _table_page(table: Table, slug: str) -> tuple[str, str]:
    """Give its name and text. The page of a table that is there says what is so, not what is meant to be."""
    name = table.name if table.new else f"{table.name}-{slug}"
    head = _PAGE.format(slug=slug, covers=table.name if table.new else "", title=name)
    why = f"Why it is so stands in [../api/{slug}.md](../api/{slug}.md)."
    return name, document(head, {"Proposed": [*_table(table), why, "", BLOCK if table.new else ""]})


def _table(table: Table) -> Iterator[str]:
    yield f"### `{table.name}`{' (new)' if table.new else ''}\n"
    yield from _grid("column | type | null | default", map(_column, table.columns))
    yield ""
    yield from _grid("index | where | why", map(_index, table.indexes))
    for key in table.foreign_keys:
        target, rule = f"{key.table} ({', '.join(key.references)})", (key.on_delete or "").lower()
        yield f"\n({', '.join(key.columns)}) refers to {target}, on delete {rule}."
    if table.new:
        columns = ", ".join(table.primary_key)
        yield f"\nKey: ({columns}); rows belong to `{table.owner}`, by row-level security."
    yield ""


def _column(column: Column) -> list[str]:
    bound = f" ≤ {column.max_length}" if column.max_length else ""
    kind = column.type + bound + (f": {', '.join(column.values)}" if column.values else "")
    return [f"`{column.name}`", kind, "yes" if column.nullable else "no", column.default or ""]


def _index(index: Index) -> list[str]:
    where = (f"{one.column} {one.op} {one.value or ''}".strip() for one in index.where)
    return [f"({', '.join(index.columns)})", " and ".join(where), index.rationale]


def _access(access: Access) -> list[str]:
    claims = [*access.claims, *([access.scope] if access.scope else [])]
    checks = [*access.checks, *(["owner"] if access.ownership else [])]
    return [
        f"`{access.endpoint}`",
        access.level,
        ", ".join(claims),
        f"{access.foreign or ''}",
        "; ".join(checks),
    ]


def _proofs(endpoint: str, by_kind: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield f"`{endpoint}`\n"
    yield from (f"- {kind}: {', '.join(f'`{name}`' for name in names)}" for kind, names in by_kind.items())
    yield ""


def _grid(head: str, rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {head} |"
    yield "| " + " | ".join("---" for _ in head.split(" | ")) + " |"
    yield from (f"| {' | '.join(row)} |" for row in rows)
