"""Todos as the JSON they are sent as, written by PostgreSQL, byte by byte what the schema would write."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, case, cast, func, literal_column

from todo.features.todos.repository.columns import TODO
from todo.features.todos.schemas import TodoRead

# What stands for each field.
_Values = dict[str, Sequence[str | ColumnElement[Any]]]
# Colons apart from letters, for tools that take `:name` for a variable.
_INSTANT = """'YYYY-MM-DD"T"HH24":"MI":"SS.US"Z"'"""
# By its name, a zone would be looked up for each time.
_UTC: ColumnElement[Any] = literal_column("INTERVAL '0'")


def instant(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Give a time as it is written."""
    return func.to_char(func.timezone(_UTC, column), literal_column(_INSTANT))


def _text(plain: str) -> ColumnElement[str]:
    return literal_column(f"'{plain}'", Text)


def _escaped(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(cast(func.to_json(column), Text), _text("null"))


def _perhaps(time: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((time.is_(None), _text("null")), else_=_text('"') + instant(time) + _text('"'))


def _values(todo: Any) -> _Values:
    is_open = todo.completed_at.is_(None)
    return {
        "id": ('"', todo.id, '"'),
        "title": (_escaped(todo.title),),
        "description": (_escaped(todo.description),),
        "priority": ('"', todo.priority, '"'),
        "is_completed": (case((is_open, _text("false")), else_=_text("true")),),
        "completed_at": (_perhaps(todo.completed_at),),
        "created_at": ('"', instant(todo.created_at), '"'),
        "updated_at": ('"', instant(todo.updated_at), '"'),
        "deleted_at": (_perhaps(todo.deleted_at),),
        "version": (todo.version,),
    }


def document_of(todo: Any) -> ColumnElement[str]:
    """Give a todo as it is sent, of the columns that hold it."""
    return _written(_values(todo))


def document_of_new(at: ColumnElement[str], said: ColumnElement[Any] | None = None) -> ColumnElement[str]:
    """Give a new todo as it is sent, of when it was added, as written, and of JSON that says the rest.

    Without that, the document has only what is the same in all that are added then.
    """
    values = _values_of_new(at)
    if said is not None:
        names = TodoRead.model_fields.keys() - values
        values |= {name: (said.op("->")(_text(name)),) for name in names}
    return _written(values)


def _values_of_new(at: ColumnElement[str]) -> _Values:
    nothing, time = ("null",), ('"', at, '"')
    return {
        "is_completed": ("false",),
        "completed_at": nothing,
        "created_at": time,
        "updated_at": time,
        "deleted_at": nothing,
        "version": ("1",),
    }


def _written(values: _Values) -> ColumnElement[str]:
    parts: list[ColumnElement[Any]] = []
    between = "{"
    for name in (one for one in TodoRead.model_fields if one in values):
        between += f'"{name}":'
        for part in values[name]:
            if isinstance(part, str):
                between += part
            else:
                # Each part costs, so what stands between two values is one.
                parts += [_text(between), part]
                between = ""
        between += ","
    return func.concat(*parts, _text(between.removesuffix(",") + "}")).label("document")


DOCUMENT = document_of(TODO)
