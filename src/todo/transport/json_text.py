"""JSON that is read a value at a time, so that a document of any size takes little memory.

Not `ijson`: it turns half of a surrogate pair into a question mark, and a number of 5,000 digits into a
null pointer.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

from todo.problems import UnreadableFile

_T = TypeVar("_T")
_CHUNK_BYTES = 65_536
_LONGEST_VALUE = 1_048_576
_AFTER_VALUE = set(",]}: \t\n\r")
_SPACE = re.compile(r"[ \t\n\r]*")


class JsonText:
    """A document, seen through a window that moves on; raises `UnreadableFile` where it is no JSON."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._window = ""
        self._at = 0
        self._is_whole = False

    def members(self) -> Iterator[str]:
        """Give the names of an object, one by one; take the value of each before the next."""
        self._expect("{")
        return self._until("}", self._name)

    def items(self) -> Iterator[Any]:
        """Give the values of an array, one by one."""
        self._expect("[")
        return self._until("]", self.value)

    def value(self) -> Any:
        """Give a value whole; raises `UnreadableFile` if it is longer than a million characters."""
        self._peek()
        while True:
            try:
                value, end = _JSON.raw_decode(self._window, self._at)
            except (ValueError, RecursionError):
                # Wrong, or cut off by the window's edge: that shows when there is more to see.
                if not self._see_more():
                    raise UnreadableFile("The file is not valid JSON.") from None
            else:
                # Without a sign that it is over, a number may go on: 1.5 is also a 1.
                if self._is_whole or self._window[end : end + 1] in _AFTER_VALUE:
                    self._at = end
                    return value
                self._see_more()

    def end(self) -> None:
        """Refuse whatever follows."""
        if self._peek():
            raise UnreadableFile("The file goes on after its JSON has ended.")

    def _until(self, end: str, read: Callable[[], _T]) -> Iterator[_T]:
        if self._peek() == end:
            self._at += 1
            return
        while True:
            yield read()
            if self._peek() == end:
                self._at += 1
                return
            self._expect(",")

    def _name(self) -> str:
        if self._peek() != '"':
            raise UnreadableFile("The file is not valid JSON.")
        name: str = self.value()
        self._expect(":")
        return name

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise UnreadableFile(f"The file is not what it should be: {sign!r} is missing.")
        self._at += 1

    def _peek(self) -> str:
        """Give the next character that is not white space, or nothing at the end."""
        while True:
            self._at = _end_of_space(self._window, self._at)
            if self._at < len(self._window):
                return self._window[self._at]
            if not self._see_more():
                return ""

    def _see_more(self) -> bool:
        rest = self._window[self._at :]
        if len(rest) > _LONGEST_VALUE:
            raise UnreadableFile(
                "The file has a value of more than a million characters, or is not valid JSON."
            )
        # As much again as is waiting: so a long value is not tried a hundred times.
        chunk = self._file.read(max(_CHUNK_BYTES, len(rest)))
        try:
            more = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            raise UnreadableFile("The file is not in UTF-8.") from None
        self._window, self._at, self._is_whole = rest + more, 0, not chunk
        return bool(chunk)


def _end_of_space(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found else start


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)
