"""What a rule is: a sentence, what it is said of, and what shows that it is not so."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from todo.architect.evidence import Asked, Case, Phase
from todo.architect.verdict import Clarification, Finding, Kind, Owner

# What is wrong with a subject: nothing, one thing, or some.
Said = str | Iterable[str] | Literal[False] | None
Look = tuple[Callable[[Case], Iterable[Any]], Callable[[Any, Case], Said]]

CHECK: tuple[Phase, ...] = ("check",)
VERIFY: tuple[Phase, ...] = ("verify",)


class Rule(NamedTuple):
    """A sentence that must be true of every subject, and how that is found out."""

    id: str
    owner: Owner
    says: str
    looks: Sequence[Look]
    phases: tuple[Phase, ...] = (*CHECK, *VERIFY)
    asks: Clarification | None = None

    def apply(self, case: Case) -> tuple[int, list[Finding]]:
        """Give how many subjects there were, and what was found."""
        looked_at, found = 0, []
        for subjects, judge in self.looks:
            for subject in subjects(case):
                looked_at += 1
                said = judge(subject, case)
                details = () if not said else [said] if isinstance(said, str) else said
                evidence = getattr(subject, "evidence", "")
                found += [self.finding(subject.name, detail, evidence) for detail in details]
        return looked_at, list({(one.where, one.detail): one for one in reversed(found)}.values())[::-1]

    def finding(self, where: str, detail: str, evidence: str = "") -> Finding:
        return Finding(
            rule=self.id, owner=self.owner, severity="ask" if self.asks else "error",
            where=where, detail=detail, evidence=evidence,
        )  # fmt: skip


def question(id_: str, kind: Kind, *options: str) -> Clarification:
    """Give what a person is asked where a rule finds something, but for what it found."""
    return Clarification(id=id_, kind=kind, question="", options=list(options))


def answers(*asked: Asked) -> Callable[[Case], Iterable[Any]]:
    """Look at what was answered to such questions."""
    return lambda case: [one for one in case.evidence.answers if one.asked in asked]


def where(subjects: Callable[[Case], Iterable[Any]], wanted: Callable[[Any], object]) -> Any:
    """Look at those that are so."""
    return lambda case: [one for one in subjects(case) if wanted(one)]


def seen(rule_id: str) -> list[Look]:
    """Look at what was judged where it was looked at."""
    return [(lambda case: case.evidence.looked.get(rule_id, ()), lambda one, _: one.fault)]


def words(question: str, asks: str, pattern: str, unless: str = r"(?!)") -> list[Look]:
    """Look for words of a request that touch on what only a person can decide."""

    def judge(request: Any, case: Case) -> Said:
        found = re.search(rf"\b({pattern})\b", request.text, re.IGNORECASE)
        decided = case.constitution.answers.get(question, {}).values()
        refused = [answer for answer in decided if answer.startswith(("no", "never"))]
        if not found or re.search(unless, request.text) or (decided and not refused):
            return None
        return f"“{found[0]}”: " + (f"decided is “{refused[0]}”: is that to change?" if refused else asks)

    return [(lambda case: [case.subject.request], judge)]
