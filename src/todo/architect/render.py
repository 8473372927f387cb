"""A verified design as the pages it is read on: one for the API, one for each table it touches."""

from collections.abc import Iterator

from todo.architect.model import Column, Design, Endpoint, Field, Table
from todo.architect.specs import BLOCK

_FRONT = "---\nstatus: proposed\nfeature: {slug}\ncovers: {covers}\n---\n\n# {title}\n"


def pages(design: Design) -> dict[str, str]:
    """Give the proposed specifications by their names under specs/."""
    written = {f"api/{design.slug}.md": "\n".join(_feature(design)) + "\n"}
    for table in design.db.tables:
        # The page of a table that is there says what is so, not what is meant to be.
        name = table.name if table.new else f"{table.name}-{design.slug}"
        written[f"database/{name}.md"] = "\n".join(_table_page(table, design.slug)) + "\n"
    return written


def _feature(design: Design) -> Iterator[str]:
    covers = " ".join(dict.fromkeys(endpoint.path for endpoint in design.api.endpoints))
    yield _FRONT.format(slug=design.slug, covers=covers, title=design.slug.replace("-", " ").capitalize())
    yield f"## Overview\n\n{design.asked}\n"
    for question, answer in (design.request.answers if design.request else {}).items():
        yield f"- Decided, {question}: {answer}"
    yield "\n## API design\n"
    for endpoint in design.api.endpoints:
        yield from _endpoint(endpoint)
    yield "## Database schema\n"
    for table in design.db.tables:
        yield from _table(table)
    yield f"Migration: {design.db.migration}. {design.db.backfill or ''}".strip() + "\n"
    yield "## Authentication\n"
    yield "| endpoint | level | claims | another's | checks |\n| --- | --- | --- | --- | --- |"
    for access in design.auth.rules:
        checks = "; ".join([*access.checks, *(["owner"] if access.ownership else [])])
        claims = ", ".join([*access.claims, *([access.scope] if access.scope else [])])
        yield f"| `{access.endpoint}` | {access.level} | {claims} | {access.foreign or ''} | {checks} |"
    yield "\n## Implementation notes\n"
    yield from (f"- {note}" for note in design.notes)
    yield from (f"- Waived: {one.rule} at {one.where}: {one.reason}" for one in design.waivers)
    yield "\n## Testing strategy\n"
    for proof in design.tests:
        yield f"`{proof.endpoint}`\n"
        for kind, named in (("unit", proof.unit), ("integration", proof.integration), ("edge", proof.edge)):
            yield f"- {kind}: {', '.join(f'`{name}`' for name in named)}"
        yield ""
    yield "## Files to create or change\n"
    yield from (f"- `{name}`" for name in design.files)
    yield f"\n## Served\n\n{BLOCK}\n"
    yield f"## The design\n\n```json design\n{design.model_dump_json(exclude_defaults=True, indent=1)}\n```"


def _endpoint(endpoint: Endpoint) -> Iterator[str]:
    yield f"### `{endpoint.name}`\n"
    if endpoint.summary:
        yield endpoint.summary + "\n"
    yield f"- request: {_fields(endpoint.request)}"
    yield f"- response: {_fields(endpoint.response)}"
    codes = ", ".join(map(str, [*endpoint.success, *endpoint.errors]))
    # One of today that is only added to says nothing of its refusals.
    yield f"- status codes: {codes if endpoint.errors else 'those of today'}"
    if endpoint.filters:
        yield "- filters: " + ", ".join(f"`{one.name}` ({one.column} {one.op})" for one in endpoint.filters)
    if endpoint.sorts:
        yield "- orders: " + ", ".join(f"`{one.name}`" for one in endpoint.sorts)
    without = f"none: {endpoint.no_tool_because}" if endpoint.no_tool_because else "that of today"
    yield f"- tool: {endpoint.mcp_tool or without}\n"


def _fields(fields: list[Field]) -> str:
    def said(field: Field) -> str:
        parts = [field.type, "" if field.required else "optional", "or null" if field.nullable else ""]
        parts += [f"≤ {field.max_length}" if field.max_length else "", "|".join(field.values or [])]
        return f"`{field.name}` ({' '.join(filter(None, parts))})"

    return ", ".join(map(said, fields)) or "nothing more"


def _table_page(table: Table, slug: str) -> Iterator[str]:
    title = table.name if table.new else f"{table.name}, with {slug}"
    yield _FRONT.format(slug=slug, covers=table.name if table.new else "", title=title)
    yield from _table(table)
    if table.new:
        yield f"{BLOCK}\n"
    yield f"Why it is so stands in [../api/{slug}.md](../api/{slug}.md)."


def _table(table: Table) -> Iterator[str]:
    yield f"### `{table.name}`{' (new)' if table.new else ''}\n"
    yield "| column | type | null | default |\n| --- | --- | --- | --- |"
    yield from map(_column, table.columns)
    yield "\n| index | where | why |\n| --- | --- | --- |"
    for index in table.indexes:
        where = " and ".join(f"{one.column} {one.op} {one.value or ''}".strip() for one in index.where)
        yield f"| ({', '.join(index.columns)}) | {where} | {index.rationale} |"
    for key in table.foreign_keys:
        target, rule = f"{key.table} ({', '.join(key.references)})", (key.on_delete or "").lower()
        yield f"\n({', '.join(key.columns)}) refers to {target}, on delete {rule}."
    if table.new:
        columns = ", ".join(table.primary_key)
        yield f"\nKey: ({columns}); rows belong to `{table.owner}`, by row-level security."
    yield ""


def _column(column: Column) -> str:
    bound = f" ≤ {column.max_length}" if column.max_length else ""
    kind = column.type + bound + (f": {', '.join(column.values)}" if column.values else "")
    return f"| `{column.name}` | {kind} | {'yes' if column.nullable else 'no'} | {column.default or ''} |"
