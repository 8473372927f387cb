"""Runs pytest on a copy of the source: `python -m tests.isolation.on_copy FOLDER ARGUMENTS…`."""

import sys
from pathlib import Path

import pytest

import todo


def main(folder: str, *arguments: str) -> int:
    """Run the tests and give pytest's exit code; 64 if it is not the copy that would be tested."""
    if Path(todo.__file__).parent.parent != Path(folder):
        return 64
    return pytest.main(["-q", "-p", "no:cacheprovider", *arguments])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
