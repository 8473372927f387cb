"""JSON through a window: whatever its edges cut in two, the values are the same."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo.problems import UnreadableFile
from todo.transport.json_text import JsonText


class Dripping(io.BytesIO):
    """Gives one byte at a time, however many are wanted."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1 if size else 0)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


def read(text: bytes) -> dict[str, Any]:
    document = JsonText(Dripping(text))
    values = {
        name: list(document.items()) if name == "items" else document.value() for name in document.members()
    }
    document.end()
    return values


@given(
    st.dictionaries(st.text().filter(lambda name: name != "items"), VALUES, max_size=4),
    st.lists(VALUES, max_size=4),
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_a_document_is_read_as_it_was_written(
    members: dict[str, Any],
    items: list[Any],
    indent: int | None,
    is_ascii: bool,  # noqa: FBT001  # a case
) -> None:
    document = {**members, "items": items}

    text = json.dumps(document, indent=indent, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")

    assert read(text) == document


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a":1',
        b'{"a":1,}',
        b'{"a":1 "b":2}',
        b'{"a":1}}',
        b'{"a":01}',
        b'{"a":-}',
        b'{"a":1.}',
        b'{"a":tru}',
        b"{a:1}",
        b"{1:1}",
        b'{"a":"\n"}',
        b'{"a":"\\x"}',
        b'{"a":"\xc3"}',
        b'{"items":[1,]}',
        b'{"items":[1 2]}',
        b'{"items":{}}',
        b'{"items":[',
    ],
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(UnreadableFile):
        read(text)
