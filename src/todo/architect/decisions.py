"""The constitution: principles with the rules that keep them, and what has been decided once."""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from todo.architect.model import Waiver

CONSTITUTION = Path(".specify/memory/constitution.md")
_RULE = re.compile(r"[A-Za-z]+-[A-Za-z0-9]+|review")


class Decisions(BaseModel):
    """What a person has decided; a question about it is not asked again."""

    model_config = ConfigDict(frozen=True)

    answers: dict[str, dict[str, str]] = {}
    waivers: list[Waiver] = []
    principles: dict[str, list[str]] = {}

    @classmethod
    def of(cls, root: Path) -> "Decisions":
        """Read the constitution of a project; of one without, nothing has been decided."""
        file = root / CONSTITUTION
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        answers: dict[str, dict[str, str]] = {}
        for question, about, answer in _rows(text, "Product decisions"):
            answers.setdefault(question, {})[about] = answer
        waivers = [Waiver(rule=id_, where=where, reason=why) for id_, where, why in _rows(text, "Waivers")]
        principles = {}
        for principle in _section(text, "Core principles").split("\n### ")[1:]:
            kept_by = principle.partition("\nEnforced by: ")[2]
            principles[principle.partition("\n")[0]] = _RULE.findall(kept_by)
        return cls(answers=answers, waivers=waivers, principles=principles)

    def decided(self, question: str, subject: str) -> str | None:
        """Give the answer about a subject, or the one for everything; None if that is still open."""
        answers = self.answers.get(question, {})
        return answers.get(subject) or answers.get("everything")

    def subjects(self, question: str) -> set[str]:
        """Give what a question has been answered about."""
        return set(self.answers.get(question, {}))


def _section(text: str, name: str) -> str:
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def _rows(text: str, section: str) -> Iterator[list[str]]:
    """Give the rows of a section's table, without those that are its head."""
    rows = [line for line in _section(text, section).splitlines() if line.startswith("|")]
    for row in rows[2:]:
        yield [cell.strip().strip("`") for cell in row.strip("| ").split(" | ", 2)]
