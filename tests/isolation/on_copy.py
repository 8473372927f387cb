"""Runs pytest on a copy of the source: `python -m tests.isolation.on_copy FOLDER ARGUMENTS…`."""

import sys
from pathlib import Path

import pytest

import todo

GREEN, FAILED, NOTHING_SAID = 0, 1, 64


def main(folder: str, *arguments: str) -> int:
    """Run the tests and say why any failed last; `NOTHING_SAID` if what went wrong is not for them to find.

    That is: it is not the copy that would be tested, no test has run, or one could not even begin.
    """
    if Path(todo.__file__).parent.parent != Path(folder):
        return NOTHING_SAID
    failures = _Failures()
    ended = pytest.main(["-q", "-p", "no:cacheprovider", *arguments], [failures])
    if failures.reasons:
        print(" | ".join(failures.reasons))  # noqa: T201  # this is the program's answer
    return ended if ended in {GREEN, FAILED} and not failures.are_beside_the_tests else NOTHING_SAID


class _Failures:
    """What pytest says of tests that fail, and whether any failed before or after what it is about."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.are_beside_the_tests = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = crash.message.partition("\n")[0] if crash else ""
            self.reasons.append(f"{report.nodeid.rpartition('::')[2]}: {reason}")
            self.are_beside_the_tests |= report.when != "call"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
