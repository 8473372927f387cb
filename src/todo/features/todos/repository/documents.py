"""Todos as the JSON they are sent as, written by PostgreSQL, byte by byte what the schema would write."""

from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, func, literal_column

from todo.features.todos.repository.columns import TODO
from todo.features.todos.schemas import TodoRead

# Colons apart from letters, for tools that take `:name` for a variable.
_INSTANT = """'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"'"""
_NULL = literal_column("'null'", Text)


_QUOTE = literal_column("""'"'""", Text)


def _quoted(plain: ColumnElement[Any]) -> ColumnElement[Any]:
    return _QUOTE + plain + _QUOTE


def _text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.to_json(column), Text)


def _instant(column: ColumnElement[Any]) -> ColumnElement[Any]:
    utc = func.timezone(literal_column("'UTC'"), column)
    return _quoted(func.to_char(utc, literal_column(_INSTANT)))


_VALUES: dict[str, ColumnElement[Any]] = {
    "id": _quoted(cast(TODO.id, Text)),
    "title": _text(TODO.title),
    "description": func.coalesce(_text(TODO.description), _NULL),
    "priority": _quoted(TODO.priority),
    "is_completed": case(
        (TODO.completed_at.is_(None), literal_column("'false'")), else_=literal_column("'true'")
    ),
    "completed_at": func.coalesce(_instant(TODO.completed_at), _NULL),
    "created_at": _instant(TODO.created_at),
    "updated_at": _instant(TODO.updated_at),
    "deleted_at": func.coalesce(_instant(TODO.deleted_at), _NULL),
    "version": cast(TODO.version, Text),
}


def _document() -> ColumnElement[str]:
    parts: list[ColumnElement[Any]] = []
    for number, name in enumerate(TodoRead.model_fields):
        parts += [literal_column(f"""'{"," if number else "{"}"{name}":'""", Text), _VALUES[name]]
    return func.concat(*parts, literal_column("'}'", Text))


DOCUMENT = _document().label("document")
