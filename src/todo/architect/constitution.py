"""The constitution: principles with the rules that keep them, and what has been decided once."""

import re
from pathlib import Path

from pydantic import BaseModel

from todo.architect.design import Waiver

CONSTITUTION = Path(".specify/memory/constitution.md")
_RULE = re.compile(r"[A-Za-z]+-[A-Za-z0-9]+|review")


class Constitution(BaseModel):
    """What a person has decided; a question about it is not asked again."""

    answers: dict[str, dict[str, str]] = {}
    waivers: list[Waiver] = []
    # The rules that each principle cites.
    principles: dict[str, list[str]] = {}

    @classmethod
    def of(cls, root: Path) -> "Constitution":
        """Read the constitution of a project; of one without, nothing has been decided."""
        file = root / CONSTITUTION
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        answers: dict[str, dict[str, str]] = {}
        for question, about, answer in _rows(text, "Product decisions"):
            answers.setdefault(question, {})[about] = answer
        waivers = [Waiver(rule=id_, where=where, reason=why) for id_, where, why in _rows(text, "Waivers")]
        parts = text.partition("\n## Product decisions\n")[0].split("\n### ")[1:]
        cited = {it.partition("\n")[0]: _RULE.findall(it.partition("\nEnforced by: ")[2]) for it in parts}
        return cls(answers=answers, waivers=waivers, principles=cited)

    def decided(self, question: str, subject: str = "everything") -> str | None:
        """Give the answer about a subject, or the one for everything; None if that is still open."""
        answers = self.answers.get(question, {})
        return answers.get(subject) or answers.get("everything")


def _rows(text: str, section: str) -> list[list[str]]:
    """Give the rows of a section's table, without those that are its head."""
    lines = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0].splitlines()
    rows = [line.strip("| ").split(" | ", 2) for line in lines if line.startswith("|")]
    return [[cell.strip(" `") for cell in row] for row in rows[2:]]
