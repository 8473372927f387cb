"""Which words find which texts, in every language's letters."""

# ruff: noqa: RUF001  # letters that look alike are what this is about

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.naive_search import finds
from todo.features.todos.models import Priority
from todo.features.todos.repository.keys import Question, keys_of
from todo.features.todos.repository.words import is_found, wanted
from todo.features.todos.schemas import TodoStatus

# Letters that fold, join, disappear, stand alone or are written without spaces, and things between them.
LETTERS = "aAbßẞſıIİi̇ñéeÉ́ςσΣЙяדשعलूद우유ㅇ牛乳に행ราคา１①ﬁK+€🎂❤️_-.' \t\n\u200d\u00ad\U0010ffff"
texts = st.text(st.sampled_from(LETTERS), max_size=12) | st.text(max_size=8)


@pytest.mark.parametrize(
    ("q", "text"),
    [
        ("mil", "Buy milk"),
        ("MILK buy", "Buy milk"),
        ("strasse", "Lange Straße 5"),
        ("STRASSE", "Lange Straße 5"),
        ("istanbul", "İstanbul"),
        ("ısparta", "ISPARTA"),
        ("e\u0301te\u0301", "ÉTÉ"),
        ("молок", "Купить молоко"),
        ("οδος", "ΟΔΟΣ"),
        ("दू", "दूध लाना"),
        ("حلي", "شراء حليب"),
        ("우유", "우유를 사다"),
        ("乳", "牛乳を買う"),
        ("京タワー", "東京タワーに行く"),
        ("คา", "ราคา"),
        ("file", "ﬁle １２"),
        ("12", "ﬁle １２"),
        ("iphone 手机", "买iPhone手机"),
        ("🎂", "Cake 🎂!"),
        ("c++", "C++ course"),
        ("snake case", "snake_case"),
        ("می‌خواهم", "میخواهم"),
        ("100 %", "100 % sure"),
        ("x" * 80, "x" * 90),
    ],
)
def test_words_find_what_begins_so(q: str, text: str) -> None:
    assert is_found(text, wanted(q))
    assert finds(q, text)


@pytest.mark.parametrize(
    ("q", "text"),
    [
        ("ilk", "milk"),
        ("milks", "milk"),
        ("milk bread", "milk"),
        ("ete", "été"),
        ("running", "run"),
        ("行東", "東京タワーに行く"),
        ("c+", "c"),
    ],
)
def test_words_find_nothing_else(q: str, text: str) -> None:
    assert not is_found(text, wanted(q))
    assert not finds(q, text)


@pytest.mark.parametrize("q", ["", "  ", "%", "_-.", "\u200d"])
def test_without_a_word_there_is_nothing_to_search_for(q: str) -> None:
    assert wanted(q) == []


@settings(max_examples=300)
@given(texts, texts, texts)
@example("้า", "a", "าา")
def test_looking_and_the_index_find_what_letter_by_letter_is_there(title: str, text: str, q: str) -> None:
    row = {"title": title, "description": text, "priority": "low", "completed_at": None, "deleted_at": None}
    question = Question.of(q, TodoStatus.ACTIVE, [Priority.LOW])
    keys = keys_of(row)
    conditions: dict[int, bool] = {}
    for number, low, high in question.ranges():
        is_there = any(low <= key < high for key in keys)
        conditions[number] = conditions.get(number, False) or is_there

    is_expected = finds(q, f"{title}\n{text}")

    assert question.is_answered_by(row) == is_expected
    assert all(conditions.values()) == is_expected
