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


def instant(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Give a time as it is written."""
    utc = func.timezone(literal_column("'UTC'"), column)
    return func.to_char(utc, literal_column(_INSTANT))


def _instant(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return _quoted(instant(column))


def _values(todo: Any) -> dict[str, ColumnElement[Any]]:
    return {
        "id": _quoted(cast(todo.id, Text)),
        "title": _text(todo.title),
        "description": func.coalesce(_text(todo.description), _NULL),
        "priority": _quoted(todo.priority),
        "is_completed": case(
            (todo.completed_at.is_(None), literal_column("'false'")), else_=literal_column("'true'")
        ),
        "completed_at": func.coalesce(_instant(todo.completed_at), _NULL),
        "created_at": _instant(todo.created_at),
        "updated_at": _instant(todo.updated_at),
        "deleted_at": func.coalesce(_instant(todo.deleted_at), _NULL),
        "version": cast(todo.version, Text),
    }


def document_of(todo: Any) -> ColumnElement[str]:
    """Give a todo as it is sent, of the columns that hold it."""
    values, parts = _values(todo), list[ColumnElement[Any]]()
    for number, name in enumerate(TodoRead.model_fields):
        parts += [literal_column(f"""'{"," if number else "{"}"{name}":'""", Text), values[name]]
    return func.concat(*parts, literal_column("'}'", Text)).label("document")


DOCUMENT = document_of(TODO)
