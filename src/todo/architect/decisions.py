"""The constitution: principles with the rules that keep them, and what has been decided once."""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from todo.architect.model import Waiver

CONSTITUTION = Path(".specify/memory/constitution.md")
_HEADING = re.compile(r"^#+ (.+)$")
_ROW = re.compile(r"^\| *(.+?) *\|$")
_KEPT_BY = re.compile(r"^Enforced by: (.+)$")


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
        return cls.parse(file.read_text(encoding="utf-8")) if file.is_file() else cls()

    @classmethod
    def parse(cls, text: str) -> "Decisions":
        """Read principles (their rules), and the tables of decisions and of waivers."""
        answers: dict[str, dict[str, str]] = {}
        waivers: list[Waiver] = []
        principles: dict[str, list[str]] = {}
        section = principle = ""
        for line in text.splitlines():
            if found := _HEADING.match(line):
                principle = found[1]
                if line.startswith("## "):
                    section = found[1]
                elif section == "Core principles":
                    principles[principle] = []
            elif (found := _KEPT_BY.match(line)) and principle in principles:
                principles[principle] = re.findall(r"[A-Za-z]+-[A-Za-z0-9]+|review", found[1])
            elif cells := _cells(line):
                if section == "Product decisions":
                    answers.setdefault(cells[0], {})[cells[1]] = cells[2]
                elif section == "Waivers":
                    waivers.append(Waiver(rule=cells[0], where=cells[1], reason=cells[2]))
        return cls(answers=answers, waivers=waivers, principles=principles)

    def decided(self, question: str, subject: str) -> str | None:
        """Give the answer about a subject, or the one for everything; None if that is still open."""
        answers = self.answers.get(question, {})
        return answers.get(subject) or answers.get("everything")

    def subjects(self, question: str) -> set[str]:
        """Give what a question has been answered about."""
        return set(self.answers.get(question, {}))


def _cells(line: str) -> list[str] | None:
    found = _ROW.match(line)
    if found is None:
        return None
    cells = [cell.strip().strip("`") for cell in found[1].split(" | ")]
    is_body = len(cells) == 3 and not set(cells[0]) <= {"-", " "} and cells[0] not in {"question", "rule"}  # noqa: PLR2004  # the columns of both tables
    return cells if is_body else None
