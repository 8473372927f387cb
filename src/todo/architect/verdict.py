"""What becomes of a design, as data and as people read it."""

from enum import StrEnum
from typing import Literal, NamedTuple

from pydantic import BaseModel

from todo.architect.design import Design

Kind = Literal["ambiguity", "performance", "security", "retention", "tradeoff", "migration"]
Owner = Literal["api", "db", "auth", "coordinator", "user"]
_EVIDENCE_WIDTH = 300


class Seen(NamedTuple):
    """What was looked at for a rule, and what was wrong with it; empty where nothing was."""

    rule: str
    where: str
    fault: str = ""
    evidence: str = ""


class Finding(BaseModel):
    """What a rule says about one place, and who has to mend it."""

    rule: str
    where: str
    detail: str
    severity: Literal["error", "ask"]
    owner: Owner
    evidence: str = ""

    def __str__(self) -> str:
        shown = f"\n         {self.evidence[:_EVIDENCE_WIDTH]}" if self.evidence else ""
        return f"{self.rule} {self.where}: {self.detail}{shown}"


class Clarification(BaseModel):
    """A question that only a person can answer; `id` is what an answer is kept under."""

    id: str
    kind: Kind
    question: str
    options: list[str]

    def __str__(self) -> str:
        return f"DECIDE  {self.id}: {self.question} ({' | '.join(self.options)})"


class Conflict(BaseModel):
    """What two specialists could not settle: both sides, and the rule between them."""

    finding: Finding
    sides: dict[str, str]

    def __str__(self) -> str:
        return "\n   ".join([f"CONFLICT {self.finding}", *(f"{who}: {it}" for who, it in self.sides.items())])


class Outcome(StrEnum):
    """How a judgement ends; the place in this order is the exit code."""

    VERIFIED = "verified"
    REJECTED = "rejected"
    NEEDS_DECISION = "needs-decision"
    UNVERIFIED = "unverified"

    @property
    def exit_code(self) -> int:
        return list(Outcome).index(self)


class Verdict(BaseModel):
    """What became of a design, and how many subjects each rule looked at."""

    outcome: Outcome
    findings: list[Finding] = []
    waived: list[Finding] = []
    questions: list[Clarification] = []
    conflicts: list[Conflict] = []
    examined: dict[str, int] = {}
    reason: str | None = None
    design: Design | None = None

    def errors(self, owner: Owner | None = None) -> list[Finding]:
        """Give what is wrong; of an owner, what that one has to mend."""
        return [one for one in self.findings if one.severity == "error" and owner in {None, one.owner}]


def unverified(reason: str) -> Verdict:
    """Say that nobody could look."""
    return Verdict(outcome=Outcome.UNVERIFIED, reason=reason)
