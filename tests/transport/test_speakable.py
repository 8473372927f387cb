"""What is said of requests and failures holds nothing that a person wrote."""

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from todo.transport.speakable import speakable_error, speakable_path, speakable_trace

CANARY = "Buy 7 canaries for anna@example.com"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/auth/sign-in/email", "/api/auth/sign-in/email"),
        ("/static/docs.js", "/static/docs.js"),
        ("/", "/"),
        ("/api/todos/019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21/complete", "/api/todos/*/complete"),
        ("/api/auth/reset-password/pQx81hFmZtBcKwLr", "/api/auth/reset-password/*"),
        ("/api/auth/verify/anna@example.com", "/api/auth/verify/*"),
        ("/api/todos/Buy milk", "/api/todos/*"),
        ("/a/b/c/d/e/f/g/h", "/a/b/c/d/e/*"),
        ("/one\nline", "/*"),
    ],
)
def test_a_path_is_said_word_by_word(path: str, said: str) -> None:
    assert speakable_path(path) == said


@given(path=st.text(max_size=300))
def test_a_said_path_is_short_and_of_plain_words(path: str) -> None:
    said = speakable_path(path)

    assert len(said) < 600
    assert set(said) <= set("abcdefghijklmnopqrstuvwxyz-_./*")


class Titled(BaseModel):
    title: int


def fail_on_the_way() -> None:
    try:
        Titled.model_validate({"title": CANARY})
    except ValidationError as error:
        raise KeyError(CANARY) from error


def trace_of_a_failure() -> str:
    try:
        fail_on_the_way()
    except KeyError as error:
        return speakable_trace(error)
    raise AssertionError("it did not fail")


def test_a_trace_tells_where_and_why_without_the_values() -> None:
    trace = trace_of_a_failure()

    assert CANARY not in trace
    assert "anna@example.com" not in trace
    assert trace.index("ValidationError") < trace.index("… which led to:") < trace.rindex("KeyError")
    assert trace.count(", in fail_on_the_way\n") == 2


def test_a_trace_of_several_failures_tells_each() -> None:
    group = ExceptionGroup(CANARY, [ValueError(CANARY), OSError("no such host")])

    assert speakable_trace(group).splitlines() == [
        "ValueError",
        "… which led to:",
        "OSError: no such host",
        "… which led to:",
        "ExceptionGroup",
    ]


def test_a_failure_that_is_its_own_cause_is_told_once() -> None:
    error = RuntimeError("stuck")
    error.__cause__ = error

    assert speakable_trace(error) == "RuntimeError: stuck"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
        (TimeoutError(), "TimeoutError"),
        (ValueError(CANARY), "ValueError"),
        (asyncpg.UniqueViolationError(f"Key (title)=({CANARY})"), "UniqueViolationError: 23505"),
        (asyncpg.DataError(f"invalid input: {CANARY!r}"), "DataError: 22000"),
    ],
)
def test_a_failure_is_told_by_its_kind(error: Exception, said: str) -> None:
    assert speakable_error(error).endswith(said)
    assert CANARY not in speakable_error(error)
