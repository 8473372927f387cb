"""A design as the pages it is read on: one for the API, one for each table it changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from todo.architect.design import Access, Change, Design, Endpoint, Field
from todo.architect.specs import BLOCK

_PAGE = "---\nstatus: proposed\nfeature: {slug}\ncovers: {covers}\n---\n\n# {title}\n"


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
            *(line for changes in design.db.by_table.values() for line in _statements(changes)),
            f"Migration: {design.db.migration}. {design.db.backfill or ''}",
        ],
        "Authentication": map(_access, design.auth.rules),
        "Implementation notes": [*(f"- {note}" for note in design.notes), *waivers],
        "Testing strategy": [line for one in design.tests for line in _proofs(one.endpoint, one.by_kind)],
        "Files to create or change": [f"- `{name}`" for name in design.files],
        "Served": [BLOCK],
        "The design": ["```json design", design.model_dump_json(exclude_defaults=True, indent=1), "```"],
    }
    tables = (_table_page(*both, slug) for both in design.db.by_table.items())
    return {f"api/{slug}.md": document(head, sections), **dict(tables)}


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
        yield "- filters: " + ", ".join(f"`{name}` ({it})" for name, it in endpoint.filters.items())
    if endpoint.sorts:
        yield "- orders: " + ", ".join(f"`{name}` ({by})" for name, by in endpoint.sorts.items())
    why = f"none: {endpoint.no_tool_because}" if endpoint.no_tool_because else "that of today"
    yield f"- tool: {endpoint.mcp_tool or why}\n"


def _fields(fields: Sequence[Field]) -> str:
    def said(field: Field) -> str:
        parts = [field.type, "" if field.required else "optional", "or null" if field.nullable else ""]
        parts += [f"≤ {field.max_length}" if field.max_length else "", "|".join(field.values or [])]
        return f"`{field.name}` ({' '.join(filter(None, parts))})"

    return ", ".join(map(said, fields)) or "nothing more"


def _statements(changes: Iterable[Change]) -> Iterator[str]:
    yield "```sql"
    for change in changes:
        yield from (f"-- {line}" for line in change.because.splitlines())
        yield change.sql.strip().rstrip(";") + ";"
    yield "```\n"


def _table_page(table: str, changes: Sequence[Change], slug: str) -> tuple[str, str]:
    """Give its name and text. The page of a table that is there says what is so, not what is meant to be."""
    is_new = any(change.is_new for change in changes)
    name = table if is_new else f"{table}-{slug}"
    head = _PAGE.format(slug=slug, covers=table if is_new else "", title=name)
    why = f"Why it is so stands in [../api/{slug}.md](../api/{slug}.md)."
    sections = {"Proposed": [*_statements(changes), why, "", BLOCK if is_new else ""]}
    return f"database/{name}.md", document(head, sections)


def _access(access: Access) -> str:
    claims = ", ".join(filter(None, [*access.claims, access.scope]))
    checks = ", ".join([*access.checks, *(["owner"] if access.ownership else [])])
    foreign = f"; {access.foreign} for another's" if access.foreign else ""
    asked = f"claims {claims or 'none'}; checks {checks or 'nothing'}{foreign}"
    return f"- `{access.endpoint}`: {access.level}; {asked}"


def _proofs(endpoint: str, by_kind: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield f"`{endpoint}`\n"
    yield from (f"- {kind}: {', '.join(f'`{name}`' for name in names)}" for kind, names in by_kind.items())
    yield ""
