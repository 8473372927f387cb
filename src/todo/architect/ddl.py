"""A design as statements: built from types and names alone, never from somebody's SQL."""

from collections.abc import Iterator

from todo.architect.design import Column, Condition, ForeignKey, Index, Table
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
_CONDITIONS = {
    "eq": "{0} = {1}",
    "lt": "{0} < {1}",
    "lte": "{0} <= {1}",
    "gt": "{0} > {1}",
    "gte": "{0} >= {1}",
    "any": "{0} = ANY (ARRAY[{1}])",
    "is_null": "{0} IS NULL",
    "is_not_null": "{0} IS NOT NULL",
    "prefix": "{0} LIKE {1} || '%'",
    "search": "{0} ILIKE '%' || {1} || '%'",
}
_FUNCTIONS = {None, "now()", "gen_random_uuid()"}
_CALLER = "NULLIF(current_setting('app.user_id', true), '')::uuid"
_ROWS_PER_PERSON = 400


class NotAllowed(Exception):
    """What a design may not ask for."""


def quoted(name: str) -> str:
    """Give a name as a statement has it."""
    return '"' + name.replace('"', '""') + '"'


def condition(wanted: Condition, types: dict[str, str], parameter: str = "") -> str:
    """Give a condition; its value is the parameter, or the one it names."""
    kind = _type(types.get(wanted.column, "text"))
    value = parameter or _literal(wanted.value or "")
    return _CONDITIONS[wanted.op].format(quoted(wanted.column), f"{value}::{kind}")


def statements(table: Table, before: Table | None) -> Iterator[str]:
    """Give what brings a table from what it was to what is proposed, and fills it on the way."""
    name = quoted(table.name)
    if before is None:
        yield from _new(table)
    else:
        yield from (f"ALTER TABLE {name} {change}" for change in _altered(table, before))
    # After the rows are there: an index made before would not be looked at in this transaction.
    types = {one.name: one.type for one in [*(before.columns if before else []), *table.columns]}
    yield from (_index(name, index, types) for index in table.indexes)
    yield f"ANALYZE {name}"


def _new(table: Table) -> Iterator[str]:
    name = quoted(table.name)
    parts = [*map(_definition, table.columns), *map(_foreign_key, table.foreign_keys)]
    parts += [f"PRIMARY KEY ({_names(table.primary_key)})"] if table.primary_key else []
    parts += [f"UNIQUE ({_names(key)})" for key in table.unique]
    yield f"CREATE TABLE {name} ({', '.join(parts)})"
    yield _filling(table)
    if table.owner:
        mine = f"{quoted(table.owner)} = {_CALLER}"
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        yield f"CREATE POLICY owner_only ON {name} TO {APP_GROUP} USING ({mine}) WITH CHECK ({mine})"
        yield f"GRANT SELECT, INSERT, UPDATE ON {name} TO {APP_GROUP}"


def _altered(table: Table, before: Table) -> Iterator[str]:
    yield from (f"RENAME COLUMN {quoted(old)} TO {quoted(new)}" for old, new in table.rename.items())
    yield from (f"DROP COLUMN {quoted(column)}" for column in table.drop)
    for column in table.columns:
        yield from _changes(column, before.column(column.name))
    yield from (f"ADD {_foreign_key(key)}" for key in table.foreign_keys)


def _changes(column: Column, before: Column | None) -> Iterator[str]:
    name, kind, kept = quoted(column.name), _type(column.type), _default(column)
    if before is None:
        # A default that differs from row to row rewrites the table, as an UPDATE beside it would not.
        yield f"ADD COLUMN {_definition(column, _filled_by(column))}"
        yield f"ALTER COLUMN {name} " + (f"SET DEFAULT {kept}" if kept else "DROP DEFAULT")
    elif kind != before.type:
        yield f"ALTER COLUMN {name} TYPE {kind} USING {name}::text::{kind}"
    if before and column.nullable != before.nullable:
        yield f"ALTER COLUMN {name} {'DROP' if column.nullable else 'SET'} NOT NULL"


def _definition(column: Column, default: str | None = None) -> str:
    name, default = quoted(column.name), default or _default(column)
    values = ", ".join(map(_literal, column.values or []))
    parts = [
        f"{name} {_type(column.type)}",
        "" if column.nullable else "NOT NULL",
        f"DEFAULT {default}" if default else "",
        f"CHECK (char_length({name}) <= {column.max_length:d})" if column.max_length else "",
        f"CHECK ({name} IN ({values}))" if values else "",
    ]
    return " ".join(filter(None, parts))


def _default(column: Column) -> str | None:
    is_function = column.default in _FUNCTIONS
    return column.default if is_function else f"{_literal(column.default or '')}::{_type(column.type)}"


def _filled_by(column: Column) -> str:
    value = _FILLED_BY[_type(column.type)]
    if column.values:
        choices = ", ".join(map(_literal, column.values))
        return f"(ARRAY[{choices}])[1 + floor(random() * {len(column.values)})::integer]"
    return f"left({value}, {column.max_length:d})" if column.max_length else value


def _filling(table: Table) -> str:
    """Give many rows: one for each row of what it refers to, or some for each person."""
    keys = sorted(table.foreign_keys, key=lambda key: key.table == "users")
    # The other table's rows have their owner in them.
    taken = dict(zip(keys[0].columns, keys[0].references, strict=False)) if keys else {}
    is_of_rows = bool(keys) and keys[0].table != "users"
    source = quoted(keys[0].table) if is_of_rows else f"users, generate_series(1, {_ROWS_PER_PERSON})"
    values = [quoted(taken[one.name]) if one.name in taken else _filled_by(one) for one in table.columns]
    columns = _names([column.name for column in table.columns])
    return f"INSERT INTO {quoted(table.name)} ({columns}) SELECT {', '.join(values)} FROM {source}"  # noqa: S608  # quoted names, known functions


def _foreign_key(key: ForeignKey) -> str:
    rule = f" ON DELETE {key.on_delete}" if key.on_delete else ""
    to = f"{quoted(key.table)} ({_names(key.references)})"
    return f"FOREIGN KEY ({_names(key.columns)}) REFERENCES {to}{rule}"


def _index(table: str, index: Index, types: dict[str, str]) -> str:
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    columns = ", ".join(map(_ordered, index.columns))
    where = " AND ".join(condition(one, types) for one in index.where)
    made = f"CREATE {kind} {quoted(index.name or '')} ON {table} USING {index.method} ({columns})"
    return f"{made} WHERE {where}" if where else made


def _ordered(column: str) -> str:
    name, _, direction = column.partition(" ")
    if direction.upper() not in {"", "ASC", "DESC"}:
        raise NotAllowed(f"an index column is followed by ASC, DESC or nothing, not by {direction}")
    return f"{quoted(name)} {direction.upper()}".strip()


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _names(columns: list[str]) -> str:
    return ", ".join(map(quoted, columns))


def _type(name: str) -> str:
    if name not in _FILLED_BY:
        raise NotAllowed(f"there are columns of {', '.join(_FILLED_BY)}; not of {name}")
    return name
