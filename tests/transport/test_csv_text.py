"""CSV: what is written is read back, by us and by others."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo.problems import UnreadableFile
from todo.transport.csv_text import csv_record, csv_records

FIELDS = st.none() | st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(',"\r\n '))
# Of one field that is none nothing would be left but a blank line.
RECORDS = st.lists(st.lists(FIELDS, min_size=2, max_size=4), max_size=5)


@given(RECORDS)
def test_records_are_read_as_they_were_written(records: list[list[str | None]]) -> None:
    text = "".join(csv_record(fields) for fields in records)

    assert list(csv_records(io.BytesIO(b"\xef\xbb\xbf" + text.encode()))) == records


@given(RECORDS)
def test_pythons_own_reader_sees_the_same_but_for_what_is_none(records: list[list[str | None]]) -> None:
    text = "".join(csv_record(fields) for fields in records)

    seen = list(csv.reader(io.StringIO(text, newline=""), strict=True))

    assert seen == [[field or "" for field in fields] for fields in records]


@given(RECORDS)
def test_what_pythons_own_writer_wrote_is_read(records: list[list[str | None]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(records)

    read = list(csv_records(io.BytesIO(text.getvalue().encode())))

    assert read == [[field or "" for field in fields] for fields in records]


@pytest.mark.parametrize(
    ("text", "records"),
    [
        (b"a,b\nc,d", [["a", "b"], ["c", "d"]]),
        (b"a\r\n\r\n\nb", [["a"], ["b"]]),
        (b'"a\nb",\r\n', [["a\nb", None]]),
        (b'a"b\n', None),
        (b'a "b" c,d\n', [None]),
        (b'"a" ,b\n', [None]),
        (b"a\rb\n", [None]),
    ],
)
def test_odd_lines(text: bytes, records: list[list[str | None] | None] | None) -> None:
    if records is None:
        with pytest.raises(UnreadableFile):
            list(csv_records(io.BytesIO(text)))
    else:
        assert list(csv_records(io.BytesIO(text))) == records
