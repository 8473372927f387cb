"""Cursors are opaque, signed and personal."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo.problems import ValidationFailed
from todo.transport.paging import CursorSigner

ALICE = CursorSigner(b"secret", uuid4())


@given(position=st.text(), question=st.text())
def test_a_cursor_gives_its_position_back(position: str, question: str) -> None:
    position = position.encode(errors="ignore").decode()
    question = question.encode(errors="ignore").decode()

    assert ALICE.read(ALICE.write(position, question), question) == position


@given(cursor=st.text())
def test_invented_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed):
        ALICE.read(cursor, "question")


def test_a_cursor_is_good_with_one_secret_only() -> None:
    user_id = uuid4()
    cursor = CursorSigner(b"old", user_id).write("position", "question")

    with pytest.raises(ValidationFailed):
        CursorSigner(b"new", user_id).read(cursor, "question")


def test_a_cursor_that_was_signed_as_before_is_still_good_for_its_question_alone() -> None:
    signer, cursor = CursorSigner(b"secret", UUID(int=1)), "w1L9wW_LXobuCod9OScZwHBvc2l0aW9u"

    assert signer.read(cursor, "question") == "position"
    with pytest.raises(ValidationFailed):
        signer.read(cursor, "another question")
    with pytest.raises(ValidationFailed):
        ALICE.read(cursor, "question")


@given(user_id=st.uuids(), question=st.text(alphabet="ab"), more=st.text(alphabet="ab", min_size=1))
def test_a_cursor_is_good_for_one_person_and_one_question_only(
    user_id: UUID, question: str, more: str
) -> None:
    signer = CursorSigner(b"secret", user_id)
    cursor = signer.write("position", question)

    with pytest.raises(ValidationFailed):
        signer.read(cursor, question + more)
    with pytest.raises(ValidationFailed):
        ALICE.read(cursor, question)
