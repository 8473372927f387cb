"""Data between marks that it cannot close."""

import json

from hypothesis import given
from hypothesis import strategies as st

from todo.transport.mcp_answer import marked, visible

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.lists(st.dictionaries(st.sampled_from(["id", "title", "description"]), _TEXTS, min_size=1), min_size=1)
)
def test_whatever_it_says_data_is_a_line_of_json_between_two_marks(data: list[dict[str, str]]) -> None:
    opening, *lines, closing = marked(data).split("\n")

    assert [json.loads(line) for line in lines] == data
    assert (opening[0], closing) == ("<", "</data>")
    assert not [line for line in lines if not line.isprintable() or set("<>") & set(line)]


def test_what_is_not_known_is_left_out_and_nothing_has_no_marks() -> None:
    assert marked([{"id": "1", "description": None}]).split("\n")[1] == '{"id":"1"}'
    assert marked([]) == ""


def test_a_text_for_people_is_one_line_without_invisible_signs() -> None:
    assert (
        visible("Pay \u202e001\u202c\r\n\x1b[31mnow 🧺") == r"Pay \u202e001\u202c\u000d\u000a\u001b[31mnow 🧺"
    )
    assert visible("\U000e0064") == r"\udb40\udc64"
