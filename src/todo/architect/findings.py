"""What a rule is, what it finds, and what becomes of a design."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel

from todo.architect.model import Design, Phase

if TYPE_CHECKING:
    from todo.architect.case import Case

Severity = Literal["error", "ask", "warn"]
Owner = Literal["api", "db", "auth", "coordinator", "user"]


class Point(StrEnum):
    """The eight points of quality, in the order they are told."""

    AUTH = "Every protected endpoint asks who is there"
    VALIDATION = "Every request is validated by a model"
    SCHEMA = "Indexes and constraints serve the queries"
    ERRORS = "One error format"
    ASYNC = "Asynchronous throughout"
    SPECS = "Specifications are up to date"
    INTEGRATION = "API, database and sign-in fit each other"
    MIGRATIONS = "Migrations are safe"


class Flaw(NamedTuple):
    """What a rule says about one subject."""

    where: str
    detail: str
    evidence: str = ""


class Finding(BaseModel):
    """A flaw, with the rule it breaks and who has to mend it."""

    rule: str
    where: str
    detail: str
    severity: Severity
    owner: Owner
    evidence: str = ""


class Clarification(BaseModel):
    """A question that only a person can answer; `id` is what an answer is kept under."""

    id: str
    kind: Literal["ambiguity", "performance", "security", "retention", "tradeoff", "migration"]
    question: str
    options: list[str]
    default: str | None = None


class Conflict(BaseModel):
    """What two specialists could not settle: both sides, and the rule between them."""

    rule: str
    where: str
    detail: str
    sides: dict[str, str]


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


Judge = Callable[[Any, "Case"], Iterator[Flaw]]


@dataclass(frozen=True)
class Rule:
    """A sentence that must be true of every subject, and how that is found out."""

    id: str
    says: str
    point: Point
    subjects: Callable[["Case"], Iterable[Any]]
    owner: Owner
    severity: Severity
    phases: tuple[Phase, ...]
    judge: Judge

    def finding(self, flaw: Flaw) -> Finding:
        return Finding(rule=self.id, severity=self.severity, owner=self.owner, **flaw._asdict())

    def apply(self, case: "Case") -> tuple[int, list[Finding]]:
        """Give how many subjects there were, and what was found."""
        subjects = list(self.subjects(case))
        flaws = dict.fromkeys(flaw for subject in subjects for flaw in self.judge(subject, case))
        return len(subjects), [self.finding(flaw) for flaw in flaws]


RULES: dict[str, Rule] = {}
CHECK: tuple[Phase, ...] = ("check",)
VERIFY: tuple[Phase, ...] = ("verify",)


def rule(  # noqa: PLR0913  # each argument is one column of the list of rules
    rule_id: str,
    says: str,
    point: Point,
    over: Callable[["Case"], Iterable[Any]],
    owner: Owner,
    *,
    severity: Severity = "error",
    phases: tuple[Phase, ...] = (*CHECK, *VERIFY),
) -> Callable[[Judge], Judge]:
    """Make a function the judge of each subject."""

    def register(judge: Judge) -> Judge:
        RULES[rule_id] = Rule(rule_id, says, point, over, owner, severity, phases, judge)
        return judge

    return register
