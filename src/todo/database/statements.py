"""SQLAlchemy expressions, compiled once and run by the bare driver."""

from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.elements import ClauseElement

# SQLAlchemy's dialect speaks `%s` through its own adapter; the driver itself wants `$1`.
_DIALECT = dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy types it not


class Statement:
    """SQL text and the order of its parameters. Build it once, at module level or behind a cache."""

    def __init__(self, expression: Executable) -> None:
        if not isinstance(expression, ClauseElement):
            raise TypeError("a statement is built from an SQLAlchemy expression")
        compiled = expression.compile(dialect=_DIALECT)
        self.sql = str(compiled)
        self._names: list[str] = list(getattr(compiled, "positiontup", None) or ())
        self._constants: dict[str, Any] = dict(compiled.params)

    @property
    def parameter_count(self) -> int:
        """How many parameters it has."""
        return len(self._names)

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """Give the parameters in the order the SQL numbers them."""
        return list(map({**self._constants, **values}.__getitem__, self._names))
