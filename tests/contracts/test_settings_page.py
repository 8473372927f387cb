"""The page of settings names what can be set, and nothing else."""

import re
from pathlib import Path

from todo.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
NAME = re.compile(r"`(TODO_[A-Z_]+)`")


def test_every_setting_is_on_the_page_and_no_other() -> None:
    rows = [row for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| `TODO_")]
    named = [name for row in rows for name in NAME.findall(row.split("|")[1])]

    assert sorted(named) == sorted(f"TODO_{name}".upper() for name in Settings.model_fields)
