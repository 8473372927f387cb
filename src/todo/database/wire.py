"""What travels to PostgreSQL and back where no driver knows the types, and that it can be lost."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID


class Row(Protocol):
    """One row of an answer."""

    def __getitem__(self, name: str, /) -> Any:
        """Give the value of a column."""


class ConnectionLost(ConnectionResetError):
    """The connection ended before the answer was there; what was asked may be done, unless `is_undone`."""

    def __init__(self, *, is_undone: bool = False) -> None:
        super().__init__("the connection to the database is lost")
        self.is_undone = is_undone


_TEXT, _BINARY = 0, 1
# PostgreSQL counts microseconds from here.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def _integer(data: bytes) -> int:
    return int.from_bytes(data, signed=True)


def _instant(data: bytes) -> datetime:
    return _EPOCH + timedelta(microseconds=_integer(data))


# By the type's number in `pg_type`.
_READ: dict[int, Callable[[bytes], Any]] = {
    16: lambda data: data == b"\x01",
    17: bytes,
    20: _integer,
    21: _integer,
    23: _integer,
    25: bytes.decode,
    1184: _instant,
    2950: lambda data: UUID(bytes=data),
}


def reader_of(type_number: int) -> Callable[[bytes], Any]:
    """Give what reads a value of a type; raises `TypeError` for a type that no question here asks for."""
    try:
        return _READ[type_number]
    except KeyError:
        raise TypeError(f"nothing here reads the type with the number {type_number}") from None


def written(values: Sequence[Any]) -> tuple[list[bytes | None], list[int]]:
    """Give parameters as they are sent, and the format of each."""
    sent: list[bytes | None] = []
    formats: list[int] = []
    for value in values:
        kind = type(value)
        if kind is str:
            sent.append(_whole(value).encode())
            formats.append(_TEXT)
        elif kind is int:
            sent.append(b"%d" % value)
            formats.append(_TEXT)
        elif value is None:
            sent.append(None)
            formats.append(_TEXT)
        elif isinstance(value, UUID):
            sent.append(value.bytes)
            formats.append(_BINARY)
        elif kind is bytes:
            sent.append(value)
            formats.append(_BINARY)
        else:
            sent.append(_text(value).encode())
            formats.append(_TEXT)
    return sent, formats


def _whole(text: str) -> str:
    # Where a text is sent as text, it would end there.
    if "\0" in text:
        raise ValueError("a text holds no NUL character")
    return text


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "{" + ",".join(_quoted(_text(item)) for item in value) + "}"
    raise TypeError(f"nothing here writes a {type(value).__name__}")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
