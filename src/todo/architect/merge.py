"""The running system with a proposal on top of it, as one design."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from todo.architect.model import ApiDesign, AuthDesign, Design, Endpoint, SchemaDesign, Table


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Part = TypeVar("_Part", bound=_Named)


def merged(live: Design, proposal: Design) -> Design:
    """Give the two together: what is named again is added to, all else is as it was."""
    ruled = {access.endpoint for access in proposal.auth.rules}
    gone = set(proposal.api.renames)
    endpoints = [_endpoint(one, live.endpoint(one.name), gone) for one in proposal.api.endpoints]
    tables = [_table(one, live.table(one.name)) for one in proposal.db.tables]
    rules = [*(one for one in live.auth.rules if one.endpoint not in ruled), *proposal.auth.rules]
    return Design(
        request=proposal.request,
        api=ApiDesign(endpoints=_together(live.api.endpoints, endpoints)),
        db=SchemaDesign(tables=_together(live.db.tables, tables), migration=proposal.db.migration),
        auth=AuthDesign(rules=rules),
        waivers=proposal.waivers,
    )


def with_index_names(proposal: Design) -> Design:
    """Name the new indexes, so that a plan tells which it uses."""

    def named(table: Table) -> Table:
        names = (f"new_{table.name}_{number}" for number, _ in enumerate(table.indexes, start=1))
        indexes = [
            one.model_copy(update={"name": name}) for one, name in zip(table.indexes, names, strict=True)
        ]
        return table.model_copy(update={"indexes": indexes})

    db = proposal.db.model_copy(update={"tables": [named(table) for table in proposal.db.tables]})
    return proposal.model_copy(update={"db": db})


def _together(before: Iterable[_Part], wanted: Iterable[_Part]) -> list[_Part]:
    return list({one.name: one for one in [*before, *wanted]}.values())


def _endpoint(wanted: Endpoint, before: Endpoint | None, renamed: set[str]) -> Endpoint:
    if before is None:
        return wanted
    gone = {*wanted.removes, *renamed}
    added = {
        "table": wanted.table or before.table,
        "request": _together([one for one in before.request if one.name not in gone], wanted.request),
        "response": _together([one for one in before.response if one.name not in gone], wanted.response),
        "errors": sorted({*before.errors, *wanted.errors}),
        "listing": before.listing or wanted.listing,
        "paged": before.paged or wanted.paged,
        "strict": before.strict and wanted.strict,
        "mcp_tool": wanted.mcp_tool or before.mcp_tool,
    }
    kept = {"operation_id": before.operation_id, "success": before.success}
    return wanted.model_copy(update=kept | added)


def _table(wanted: Table, before: Table | None) -> Table:
    if before is None:
        return wanted.model_copy(update={"new": True})
    kept = [
        column.model_copy(update={"name": wanted.rename.get(column.name, column.name)})
        for column in before.columns
        if column.name not in wanted.drop
    ]
    added = {
        part: getattr(before, part) + getattr(wanted, part) for part in ("foreign_keys", "indexes", "unique")
    }
    return before.model_copy(update={"columns": _together(kept, wanted.columns), **added})
