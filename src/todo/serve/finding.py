"""What an examination finds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from todo.problems import CannotStart


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `ok`, a `note` of what to know, or `FAIL` with what to do about it."""

    subject: str
    state: Literal["ok", "note", "FAIL"]
    says: str


class Noteworthy(Exception):
    """Nothing is wrong, but the operator should know; the message says what and what can be done."""


def look(subject: str, check: Callable[[], str]) -> Finding:
    """Look at one thing: `check` gives what it saw, or raises `Noteworthy` or `CannotStart`."""
    try:
        return Finding(subject, "ok", check())
    except Noteworthy as note:
        return Finding(subject, "note", str(note))
    except CannotStart as problem:
        return Finding(subject, "FAIL", str(problem))
