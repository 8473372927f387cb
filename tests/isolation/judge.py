"""Holds answers against what the model expects, and remembers what only the service could know."""

import bisect
from collections.abc import Hashable, Mapping
from typing import Any

from tests.isolation.clients import Answer
from tests.isolation.model import Expected, Moment, Number, Opaque, Wording


class ForeignDataSeen(AssertionError):
    """Somebody was shown what another person wrote."""


class Judge:
    """Knows what the service has said so far; a contradiction is a failure."""

    def __init__(self, marks: list[str]) -> None:
        self._marks = marks
        self._times: list[tuple[Moment, str]] = []
        self._meanings: dict[str, Hashable] = {}
        self._words: dict[Hashable, str] = {}
        self._numbers: dict[Number, int] = {}
        self._numbered: dict[tuple[str, int, int], Number] = {}
        self._tags: dict[str, str] = {}

    def meaning(self, text: str) -> Hashable:
        """Give what a text of the service stands for; None if it never wrote it."""
        return self._meanings.get(text)

    def moment(self, text: str) -> Moment:
        """Give the moment that was told so."""
        return next(moment for moment, known in self._times if known == text)

    def number(self, kind: str, who: int, value: int) -> Number | None:
        """Give what a number of a person stands for; None if they were never told it."""
        return self._numbered.get((kind, who, value))

    def see(self, who: int, answer: Answer) -> None:
        """Raise `ForeignDataSeen` if the answer shows anything that others have written."""
        for other, mark in enumerate(self._marks):
            if other != who and mark in answer.text:
                raise ForeignDataSeen(f"person {who} was shown what person {other} wrote: {answer.text}")

    def compare(self, who: int, answer: Answer, expected: Expected) -> None:
        """Raise `AssertionError` unless the answer is the expected one."""
        self.see(who, answer)
        if answer.status is None:
            body = expected.body
            if expected.status >= 400:
                body = {"error_code": body["error_code"]}
            self._same(body, answer.body, "body")
            return
        assert answer.status == expected.status, f"{expected.status} expected, not {answer}"
        assert expected.text in {None, answer.text}, f"{expected.text} expected, not {answer.text}"
        self._same(expected.body, answer.body, "body")
        headers = answer.headers or {}
        for name, value in expected.headers.items():
            assert headers.get(name) == value, f"{name}: {value} expected, not {headers.get(name)}"
        if expected.status >= 400:
            assert headers["x-request-id"] == answer.body["request_id"]

    def compare_tag(self, answer: Answer) -> str:
        """Raise `AssertionError` unless the same content has the same tag and other content another."""
        tag = (answer.headers or {})["etag"]
        assert self._tags.setdefault(answer.text, tag) == tag, "another tag for the same content"
        assert self._tags.setdefault(tag, answer.text) == answer.text, "the same tag for other content"
        return tag

    def _same(self, expected: Any, actual: Any, where: str) -> None:
        match expected:
            case Moment():
                self._learn_time(expected, actual, where)
            case Opaque(meaning):
                assert isinstance(actual, str), f"{where}: {actual!r} is no text"
                assert self._meanings.setdefault(actual, meaning) == meaning, (
                    f"{where}: {actual} is another's"
                )
            case Number(kind, who, _):
                assert type(actual) is int, f"{where}: {actual!r} is no number"
                assert self._numbers.setdefault(expected, actual) == actual, f"{where}: it had another number"
                found = self._numbered.setdefault((kind, who, actual), expected)
                assert found == expected, f"{where}: {actual} is another's"
            case Wording(of):
                assert actual, f"{where}: nothing is said"
                assert self._words.setdefault(of, actual) == actual, f"{where}: {actual!r} in other words"
            case Mapping():
                assert isinstance(actual, dict), f"{where}: {expected} expected, not {actual!r}"
                assert actual.keys() == expected.keys(), (
                    f"{where}: {set(expected)} expected, not {set(actual)}"
                )
                for name, value in expected.items():
                    self._same(value, actual[name], f"{where}.{name}")
            case list():
                assert isinstance(actual, list), f"{where}: {expected} expected, not {actual!r}"
                assert len(actual) == len(expected), f"{where}: {expected} expected, not {actual}"
                for number, value in enumerate(expected):
                    self._same(value, actual[number], f"{where}[{number}]")
            case _:
                assert actual == expected, f"{where}: {expected!r} expected, not {actual!r}"
                assert type(actual) is type(expected), f"{where}: {expected!r} expected, not {actual!r}"

    def _learn_time(self, moment: Moment, text: Any, where: str) -> None:
        assert isinstance(text, str), f"{where}: {text!r} is no time"
        place = bisect.bisect_left(self._times, (moment, ""))
        if place < len(self._times) and self._times[place][0] == moment:
            assert self._times[place][1] == text, f"{where}: {text} expected to be {self._times[place][1]}"
            return
        earlier, later = self._times[:place][-1:], self._times[place : place + 1]
        assert all(time < text for _, time in earlier), f"{where}: {text} is not after {earlier}"
        assert all(text < time for _, time in later), f"{where}: {text} is not before {later}"
        self._times.insert(place, (moment, text))
