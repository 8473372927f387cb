"""A design as statements: built from types and names alone, never from somebody's SQL."""

from collections.abc import Iterator

from todo.architect.model import Column, Condition, Index, Table
from todo.database.roles import APP_GROUP

# What a new column may be, and how rows get values in it that are worth planning on.
_FILLED_BY = {
    "uuid": "gen_random_uuid()",
    "text": "md5(random()::text)",
    "boolean": "random() < 0.5",
    "smallint": "(random() * 1000)::smallint",
    "integer": "(random() * 100000)::integer",
    "bigint": "(random() * 100000)::bigint",
    "numeric": "random()::numeric",
    "timestamptz": "now() + (random() * 365 - 180) * interval '1 day'",
    "timestamp": "now()::timestamp + (random() * 365 - 180) * interval '1 day'",
    "date": "current_date + (random() * 365 - 180)::integer",
    "jsonb": "'{}'::jsonb",
    "bytea": "sha256(random()::text::bytea)",
    "text[]": "ARRAY[md5(random()::text)]",
    "uuid[]": "ARRAY[gen_random_uuid()]",
}
_FUNCTIONS = {"now()", "gen_random_uuid()"}
_OPERATORS = {"eq": "=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_CALLER = "NULLIF(current_setting('app.user_id', true), '')::uuid"
FILL_ROWS = 400


class NotAllowed(Exception):
    """What a design may not ask for."""


def quoted(name: str) -> str:
    """Give a name as a statement has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """Give a value as a statement has it."""
    return "'" + value.replace("'", "''") + "'"


def condition(wanted: Condition, column_type: str, parameter: str | None = None) -> str:
    """Give a condition; its value is the parameter, or the one it names."""
    column = quoted(wanted.column)
    value = parameter or f"{literal(wanted.value or '')}::{_type(column_type)}"
    match wanted.op:
        case "is_null":
            return f"{column} IS NULL"
        case "is_not_null":
            return f"{column} IS NOT NULL"
        case "any":
            return f"{column} = ANY (ARRAY[{value}])"
        case "prefix":
            return f"{column} LIKE {value} || '%'"
        case "search":
            return f"{column} ILIKE '%' || {value} || '%'"
        case _:
            return f"{column} {_OPERATORS[wanted.op]} {value}"


def statements(table: Table, before: Table | None) -> Iterator[str]:
    """Give what brings a table from what it was to what is proposed, and fills it on the way."""
    name = quoted(table.name)
    if before is None:
        yield from _new(table)
    else:
        for old, new in table.rename.items():
            yield f"ALTER TABLE {name} RENAME COLUMN {quoted(old)} TO {quoted(new)}"
        for column in table.drop:
            yield f"ALTER TABLE {name} DROP COLUMN {quoted(column)}"
        for column_wanted in table.columns:
            yield from _column(table, column_wanted, before.column(column_wanted.name))
        for key in table.foreign_keys:
            yield f"ALTER TABLE {name} ADD {_foreign_key(table, key.columns)}"
    # After the rows are there: an index made before would not be looked at in this transaction.
    for index in table.indexes:
        yield _index(table, before, index)
    yield f"ANALYZE {name}"


def _new(table: Table) -> Iterator[str]:
    name = quoted(table.name)
    parts = [_definition(column) for column in table.columns]
    for kind, keys in (("PRIMARY KEY", [table.primary_key]), ("UNIQUE", table.unique)):
        parts += [f"{kind} ({_names(key)})" for key in keys if key]
    parts += [_foreign_key(table, key.columns) for key in table.foreign_keys]
    yield f"CREATE TABLE {name} ({', '.join(parts)})"
    yield _filling(table)
    if table.owner:
        is_callers = f"{quoted(table.owner)} = {_CALLER}"
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        yield (
            f"CREATE POLICY owner_only ON {name} TO {APP_GROUP} "
            f"USING ({is_callers}) WITH CHECK ({is_callers})"
        )
        yield f"GRANT SELECT, INSERT, UPDATE ON {name} TO {APP_GROUP}"


def _column(table: Table, column: Column, before: Column | None) -> Iterator[str]:
    name, column_name = quoted(table.name), quoted(column.name)
    if before is None:
        # A default that differs from row to row rewrites the table, as an UPDATE beside it would not.
        filled = _filled_by(column)
        yield f"ALTER TABLE {name} ADD COLUMN {_definition(column, default=filled)}"
        kept = _default(column)
        change = f"SET DEFAULT {kept}" if kept else "DROP DEFAULT"
        yield f"ALTER TABLE {name} ALTER COLUMN {column_name} {change}"
        return
    if column.type != before.type:
        kind = _type(column.type)
        yield f"ALTER TABLE {name} ALTER COLUMN {column_name} TYPE {kind} USING {column_name}::text::{kind}"
    if column.nullable != before.nullable:
        change = "DROP NOT NULL" if column.nullable else "SET NOT NULL"
        yield f"ALTER TABLE {name} ALTER COLUMN {column_name} {change}"


def _definition(column: Column, default: str | None = None) -> str:
    parts = [quoted(column.name), _type(column.type)]
    if not column.nullable:
        parts.append("NOT NULL")
    if given := default or _default(column):
        parts.append(f"DEFAULT {given}")
    if column.max_length:
        parts.append(f"CHECK (char_length({quoted(column.name)}) <= {column.max_length:d})")
    if column.values:
        parts.append(f"CHECK ({quoted(column.name)} IN ({', '.join(map(literal, column.values))}))")
    return " ".join(parts)


def _default(column: Column) -> str | None:
    if column.default is None or column.default in _FUNCTIONS:
        return column.default
    return f"{literal(column.default)}::{_type(column.type)}"


def _filled_by(column: Column) -> str:
    _type(column.type)
    if column.values:
        choices = ", ".join(map(literal, column.values))
        return f"(ARRAY[{choices}])[1 + floor(random() * {len(column.values)})::integer]"
    if column.max_length:
        return f"left({_FILLED_BY[column.type]}, {column.max_length:d})"
    return _FILLED_BY[column.type]


def _filling(table: Table) -> str:
    """Give many rows: one for each row of what it refers to, or some for each person."""
    parent = next((key for key in table.foreign_keys if key.table != "users"), None)
    person = next((key for key in table.foreign_keys if key.table == "users"), None)
    names: dict[str, str] = {}
    for key in (person, parent):
        if key is not None:
            names |= dict(zip(key.columns, key.references, strict=False))
    source = quoted(parent.table) if parent else f"users, generate_series(1, {FILL_ROWS})"
    taken = set(parent.columns if parent else person.columns if person else ())
    values = [
        quoted(names[column.name]) if column.name in taken else _filled_by(column) for column in table.columns
    ]
    columns = _names([column.name for column in table.columns])
    return f"INSERT INTO {quoted(table.name)} ({columns}) SELECT {', '.join(values)} FROM {source}"  # noqa: S608  # quoted names, known functions


def _foreign_key(table: Table, columns: list[str]) -> str:
    key = next(key for key in table.foreign_keys if key.columns == columns)
    rule = f" ON DELETE {key.on_delete}" if key.on_delete else ""
    target = f"{quoted(key.table)} ({_names(key.references)})"
    return f"FOREIGN KEY ({_names(key.columns)}) REFERENCES {target}{rule}"


def _index(table: Table, before: Table | None, index: Index) -> str:
    types = {column.name: column.type for column in [*(before.columns if before else []), *table.columns]}
    where = " AND ".join(condition(wanted, types.get(wanted.column, "text")) for wanted in index.where)
    columns = ", ".join(_ordered(column) for column in index.columns)
    return (
        f"CREATE {'UNIQUE ' if index.unique else ''}INDEX {quoted(index.name or '')} ON {quoted(table.name)} "
        f"USING {index.method} ({columns}){f' WHERE {where}' if where else ''}"
    )


def _ordered(column: str) -> str:
    name, _, direction = column.partition(" ")
    if direction.upper() not in {"", "ASC", "DESC"}:
        raise NotAllowed(f"an index column is followed by ASC, DESC or nothing, not by {direction}")
    return f"{quoted(name)} {direction.upper()}".strip()


def _names(columns: list[str]) -> str:
    return ", ".join(map(quoted, columns))


def _type(name: str) -> str:
    if name not in _FILLED_BY:
        raise NotAllowed(f"there are columns of {', '.join(_FILLED_BY)}; not of {name}")
    return name
