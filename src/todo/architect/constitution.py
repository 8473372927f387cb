"""The constitution: principles with the rules that keep them, and what has been decided once."""

import re
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from todo.architect.design import Waiver

CONSTITUTION = Path(".specify/memory/constitution.md")
_RULE = re.compile(r"[A-Za-z]+-[A-Za-z0-9]+|review")


class Principle(NamedTuple):
    """What holds for the product, and the rules that keep it."""

    name: str
    kept_by: list[str]


class Constitution(BaseModel):
    """What a person has decided; a question about it is not asked again."""

    answers: dict[str, dict[str, str]] = {}
    waivers: list[Waiver] = []
    principles: list[Principle] = []

    @classmethod
    def of(cls, root: Path) -> "Constitution":
        """Read the constitution of a project; of one without, nothing has been decided."""
        file = root / CONSTITUTION
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        answers: dict[str, dict[str, str]] = {}
        for question, about, answer in _rows(text, "Product decisions"):
            answers.setdefault(question, {})[about] = answer
        waivers = [Waiver(rule=id_, where=where, reason=why) for id_, where, why in _rows(text, "Waivers")]
        return cls(answers=answers, waivers=waivers, principles=[
            Principle(one.partition("\n")[0], _RULE.findall(one.partition("\nEnforced by: ")[2]))
            for one in text.partition("\n## Product decisions\n")[0].split("\n### ")[1:]
        ])  # fmt: skip

    def decided(self, question: str, subject: str) -> str | None:
        """Give the answer about a subject, or the one for everything; None if that is still open."""
        answers = self.answers.get(question, {})
        return answers.get(subject) or answers.get("everything")

    def subjects(self, question: str) -> set[str]:
        """Give what a question has been answered about."""
        return set(self.answers.get(question, {}))


def _rows(text: str, section: str) -> list[list[str]]:
    """Give the rows of a section's table, without those that are its head."""
    lines = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0].splitlines()
    rows = [line.strip("| ").split(" | ", 2) for line in lines if line.startswith("|")]
    return [[cell.strip(" `") for cell in row] for row in rows[2:]]
