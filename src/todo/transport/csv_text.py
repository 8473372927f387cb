"""CSV by RFC 4180 that keeps an empty text (`""`) and none (nothing) apart, as PostgreSQL does.

Python's own reader does so from 3.12 on.
"""

import re
from collections.abc import Iterator, Sequence
from typing import IO

from todo.problems import UnreadableFile

_LONGEST_RECORD = 1_048_576
_FIELD = re.compile(r'(?:"((?:[^"]|"")*+)"|([^",\r\n]*+))(,|\Z)')
_NEEDS_QUOTES = re.compile(r'[",\r\n]|^$|^\s|\s$')
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def csv_record(fields: Sequence[str | None]) -> str:
    """Give a line for these fields."""
    return ",".join("" if field is None else _quoted(field) for field in fields) + "\r\n"


def csv_records(file: IO[bytes]) -> Iterator[list[str | None] | None]:
    """Give the fields of each record, or None for what is no record; blank lines are skipped.

    Raises `UnreadableFile` for what cannot be told apart into records.
    """
    parts: list[bytes] = []
    size, is_quoted, is_first = 0, False, True
    while line := file.readline(_LONGEST_RECORD):
        parts.append(line.removeprefix(_BYTE_ORDER_MARK) if is_first else line)
        is_first = False
        size += len(line)
        is_quoted ^= line.count(b'"') % 2 == 1
        if size >= _LONGEST_RECORD:
            raise UnreadableFile(
                "The file has a line of more than a million bytes, or a quote that never ends."
            )
        if not is_quoted:
            if record := _decoded(b"".join(parts)):
                yield _fields(record)
            parts, size = [], 0
    if parts:
        raise UnreadableFile("The file ends within quotes.")


def _quoted(field: str) -> str:
    if not _NEEDS_QUOTES.search(field):
        return field
    return '"' + field.replace('"', '""') + '"'


def _decoded(record: bytes) -> str:
    try:
        return record.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UnreadableFile("The file is not in UTF-8.") from None


def _fields(record: str) -> list[str | None] | None:
    fields: list[str | None] = []
    end = 0
    while field := _FIELD.match(record, end):
        quoted, plain, separator = field.groups()
        fields.append(plain or None if quoted is None else quoted.replace('""', '"'))
        end = field.end()
        if not separator:
            return fields
    return None
