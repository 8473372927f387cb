"""Defects planted in copies of the source, and what has to become of each: `make planted`.

A suite that cannot fail proves nothing, so this one is shown what it is there to find.
"""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten

from tests.isolation import on_copy
from tests.isolation.copies import change_migrations, copy_source, open_policies, run_on
from tests.isolation.defects import (
    BESIDE_POLICIES,
    BY_TESTS,
    HALF_A_FILTER,
    NO_DEFECT,
    NO_FILTERS,
    ONE_FILTER_LESS,
    Defect,
)
from tests.isolation.run import Verdict
from todo.database.embedded import EmbeddedPostgres

_HISTORIES, _STEPS = 60, 30
_AT_ONCE = 2
_LONGEST = 300


class Policies(StrEnum):
    """What becomes of row-level security in the copy."""

    AS_THEY_ARE = "as they are"
    SWITCHED_OFF = "switched off"
    DROPPED = "dropped"
    OPEN = "open to all"
    OPEN_AND_UNNOTICED = "open to all, unnoticed"


class Ending(StrEnum):
    """How a trial ended."""

    GREEN = "green"
    RED = "red"
    LEAK = "red, foreign data seen"
    REFUSED = "does not start"
    BROKEN = "broken off"


_OF_HISTORIES: dict[int, Ending] = {
    Verdict.AS_EXPECTED: Ending.GREEN,
    Verdict.CONTRADICTED: Ending.RED,
    Verdict.FOREIGN_DATA_SEEN: Ending.LEAK,
    Verdict.REFUSED_TO_START: Ending.REFUSED,
}
_OF_TESTS = {on_copy.GREEN: Ending.GREEN, on_copy.FAILED: Ending.RED}
_FOUND = (Ending.RED, Ending.LEAK)


@dataclass(frozen=True)
class Trial:
    """A defect under some policies, and how it may end: by the histories, or by the tests named."""

    defect: Defect
    policies: Policies
    expected: tuple[Ending, ...]
    tests: tuple[str, ...] = ()

    def run(self, server: str) -> tuple[Ending, str]:
        """Give how it ended, and what was said of it last."""
        with TemporaryDirectory() as folder:
            try:
                source = copy_source(Path(folder), self.defect.changes)
                _change_policies(source, self.policies)
                if self.tests:
                    ended = run_on(source, "tests.isolation.on_copy", folder, *self.tests)
                    ending = _OF_TESTS.get(ended.returncode, Ending.BROKEN)
                else:
                    ended = run_on(source, "tests.isolation.run", *self._arguments(folder, server))
                    ending = _OF_HISTORIES.get(ended.returncode, Ending.BROKEN)
            except (subprocess.TimeoutExpired, AssertionError) as error:
                return Ending.BROKEN, str(error)
        return ending, ended.stdout.strip().rpartition("\n")[2]

    def _arguments(self, folder: str, server: str) -> Iterator[str]:
        yield from ("--histories", str(_HISTORIES), "--steps", str(_STEPS), "--seed", "1", "--brief")
        yield from ("--source", folder, "--server", server)
        if self.policies is Policies.OPEN_AND_UNNOTICED:
            yield "--unbound"


def trials() -> Iterator[Trial]:
    """Give everything that `make planted` tries."""
    # Nothing wrong, and either line of defence alone.
    yield Trial(NO_DEFECT, Policies.AS_THEY_ARE, (Ending.GREEN,))
    yield Trial(NO_DEFECT, Policies.OPEN_AND_UNNOTICED, (Ending.GREEN,))
    # Row-level security that is not there is noticed before anybody is served, or shows nothing to anybody.
    yield Trial(NO_DEFECT, Policies.SWITCHED_OFF, (Ending.REFUSED,))
    yield Trial(NO_DEFECT, Policies.OPEN, (Ending.REFUSED,))
    yield Trial(NO_DEFECT, Policies.DROPPED, (Ending.RED,))
    for policies in (Policies.SWITCHED_OFF, Policies.OPEN, Policies.DROPPED):
        yield Trial(
            NO_DEFECT,
            policies,
            (Ending.RED,),
            (
                "tests/database/test_migrations.py",
                "tests/database/test_distributable.py",
                "-k=every_policy or can_be_distributed",
            ),
        )
    yield Trial(NO_FILTERS, Policies.AS_THEY_ARE, (Ending.GREEN,))
    yield Trial(NO_FILTERS, Policies.AS_THEY_ARE, (Ending.GREEN,), ("tests/features", "tests/transport"))
    for defect in ONE_FILTER_LESS:
        yield Trial(defect, Policies.AS_THEY_ARE, (Ending.GREEN,))
        yield Trial(defect, Policies.OPEN_AND_UNNOTICED, _FOUND)
    yield Trial(HALF_A_FILTER, Policies.AS_THEY_ARE, (Ending.RED,))
    yield Trial(HALF_A_FILTER, Policies.OPEN_AND_UNNOTICED, _FOUND)
    for defect in BESIDE_POLICIES:
        yield Trial(defect, Policies.AS_THEY_ARE, _FOUND)
    for defect, tests in BY_TESTS:
        yield Trial(defect, Policies.AS_THEY_ARE, (Ending.RED,), tests)


def _change_policies(source: Path, policies: Policies) -> None:
    match policies:
        case Policies.OPEN | Policies.OPEN_AND_UNNOTICED:
            open_policies(source)
        case Policies.DROPPED:
            change_migrations(source, 'TO todo_app "', 'TO todo_auth "')
        case Policies.SWITCHED_OFF:
            change_migrations(source, "ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY")


@contextmanager
def _new_server() -> Iterator[str]:
    with TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "postgres").running() as server:
        yield str(server)


def main(words: Iterable[str]) -> int:
    """Try all, or those with one of the words in their name; 1 if one did not end as it must."""
    words = list(words)
    chosen = [trial for trial in trials() if not words or any(word in trial.defect.name for word in words)]
    unexpected = 0
    with _new_server() as server, ThreadPoolExecutor(_AT_ONCE) as pool:

        def run(trial: Trial) -> tuple[Ending, str, float]:
            began_at = time.monotonic()
            return *trial.run(server), time.monotonic() - began_at

        for trial, (ending, said, seconds) in zip(chosen, pool.map(run, chosen), strict=True):
            is_expected = ending in trial.expected
            unexpected += not is_expected
            by = " by " + " ".join(trial.tests) if trial.tests else ""
            _tell(
                f"{'ok  ' if is_expected else 'NOT '} {seconds:4.0f} s  {trial.defect.name}; "
                f"policies {trial.policies}: {ending}{by}"
            )
            if not is_expected:
                _tell(f"     expected {' or '.join(trial.expected)}")
            if ending is not Ending.GREEN:
                _tell(f"     it said: {shorten(said, _LONGEST)}")
    _tell(f"{len(chosen)} trials, {unexpected} unexpected")
    return int(unexpected > 0)


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # this is the program's voice


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
