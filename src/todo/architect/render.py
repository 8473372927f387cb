"""A verified design as the pages it is read on: one for the API, one for each table it touches."""

from collections.abc import Iterator

from todo.architect.model import Column, Design, Endpoint, Field, Table
from todo.architect.specs import BLOCK


def pages(design: Design) -> dict[str, str]:
    """Give the proposed specifications by their names under specs/."""
    slug = design.request.slug if design.request else "feature"
    written = {f"api/{slug}.md": "\n".join(_feature(design, slug)) + "\n"}
    for table in design.db.tables:
        # The page of a table that is there says what is so, not what is meant to be.
        name = table.name if table.new else f"{table.name}-{slug}"
        written[f"database/{name}.md"] = "\n".join(_table_page(table, slug)) + "\n"
    return written


def _front(slug: str, covers: list[str]) -> list[str]:
    return ["---", "status: proposed", f"feature: {slug}", f"covers: {' '.join(covers)}", "---", ""]


def _feature(design: Design, slug: str) -> Iterator[str]:
    endpoints = design.api.endpoints
    yield from _front(slug, list(dict.fromkeys(endpoint.path for endpoint in endpoints)))
    yield f"# {slug.replace('-', ' ').capitalize()}\n"
    yield "## Overview\n"
    yield (design.request.text if design.request else slug) + "\n"
    for question, answer in (design.request.answers if design.request else {}).items():
        yield f"- Decided, {question}: {answer}"
    yield "\n## API design\n"
    for endpoint in endpoints:
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
    yield f"- request: {_fields(endpoint.request) or 'nothing more'}"
    yield f"- response: {_fields(endpoint.response) or 'nothing more'}"
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
        return f"`{field.name}` ({' '.join(part for part in parts if part)})"

    return ", ".join(map(said, fields))


def _table_page(table: Table, slug: str) -> Iterator[str]:
    yield from _front(slug, [table.name] if table.new else [])
    yield f"# {table.name}{'' if table.new else f', with {slug}'}\n"
    yield from _table(table)
    if table.new:
        yield f"{BLOCK}\n"
    yield f"Why it is so stands in [../api/{slug}.md](../api/{slug}.md)."


def _table(table: Table) -> Iterator[str]:
    yield f"### `{table.name}`{' (new)' if table.new else ''}\n"
    yield "| column | type | null | default |\n| --- | --- | --- | --- |"
    yield from (_column(column) for column in table.columns)
    yield "\n| index | where | why |\n| --- | --- | --- |"
    for index in table.indexes:
        where = " and ".join(f"{one.column} {one.op} {one.value or ''}".strip() for one in index.where)
        yield f"| ({', '.join(index.columns)}) | {where} | {index.rationale} |"
    for key in table.foreign_keys:
        target = f"{key.table} ({', '.join(key.references)})"
        rule = (key.on_delete or "").lower()
        yield f"\n({', '.join(key.columns)}) refers to {target}, on delete {rule}."
    if table.new:
        key_columns = ", ".join(table.primary_key)
        yield f"\nKey: ({key_columns}); rows belong to `{table.owner}`, by row-level security."
    yield ""


def _column(column: Column) -> str:
    bound = f" ≤ {column.max_length}" if column.max_length else ""
    kind = column.type + bound + (f": {', '.join(column.values)}" if column.values else "")
    return f"| `{column.name}` | {kind} | {'yes' if column.nullable else 'no'} | {column.default or ''} |"
