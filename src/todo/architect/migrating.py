"""How hard a change of a table is on what runs."""

from todo.architect.model import Migration, Table


def migration_of(table: Table, before: Table | None) -> tuple[Migration, str]:
    """Give what kind of migration a change of a table needs, and why."""
    if before is None:
        return Migration.EXPAND, "a new table"
    if table.drop or table.rename:
        gone = ", ".join([*table.drop, *table.rename])
        return Migration.CONTRACT, f"{gone} is gone for what still runs"
    for column in table.columns:
        known = before.column(column.name)
        if known is not None and known.type != column.type:
            return Migration.TRANSFORM, f"{column.name} changes from {known.type} to {column.type}"
        if known is not None and known.nullable and not column.nullable:
            return Migration.TRANSFORM, f"{column.name} must be there from now on"
        if known is None and not column.nullable and column.default is None:
            return (
                Migration.TRANSFORM,
                f"{column.name} must be there and has no default, in a table with rows",
            )
    return (Migration.EXPAND, "it only adds") if table.columns or table.indexes else (Migration.NONE, "")
