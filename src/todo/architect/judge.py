"""Applies the rules to a case and says what comes of it."""

from fnmatch import fnmatchcase

from todo.architect import rules
from todo.architect.case import Case
from todo.architect.findings import RULES, Clarification, Finding, Flaw, Outcome, Verdict
from todo.architect.model import Waiver

__all__ = ["QUESTIONS", "judge", "rules"]

_KEPT = ["soft: kept for a while, can be brought back", "hard: gone at once"]
# What an answer is kept under, of what kind the question is, and what may be answered.
QUESTIONS: dict[str, tuple[str, str, list[str]]] = {
    "ASK-retention": ("deletion", "retention", _KEPT),
    "ASK-foreign": ("foreign", "security", ["403", "404"]),
    "ASK-sharing": ("sharing", "security", ["never", "others may read", "others may read and change"]),
    "ASK-visibility": ("visibility", "ambiguity", ["listed", "only when asked for"]),
    "ASK-volume": ("volume", "performance", ["10,000 people, 100,000 rows each, a page in 50 ms"]),
    "ASK-tradeoff": ("infrastructure", "tradeoff", ["no: with what is there", "yes"]),
    "MIG-2": ("migration", "migration", ["in two releases", "in one, with downtime", "not at all"]),
    "API-4": ("breaking", "ambiguity", ["keep the old beside the new", "break it, announced"]),
}


def judge(case: Case) -> Verdict:
    """Apply every rule of the phase; what is answered is not asked, what is waived is told apart."""
    is_check = case.phase == "check"
    examined: dict[str, int] = {}
    found: list[Finding] = []
    for rule in RULES.values():
        if case.phase in rule.phases:
            examined[rule.id], findings = rule.apply(case)
            found += findings
            if is_check and not examined[rule.id]:
                found.append(rule.finding(Flaw("the running system", "there was nothing to look at")))
    answers = case.subject.request.answers if case.subject.request else {}
    found = [one for one in found if one.rule not in QUESTIONS or QUESTIONS[one.rule][0] not in answers]
    waivers = [*case.decisions.waivers, *case.subject.waivers]
    waived = [one for one in found if any(_covers(waiver, one) for waiver in waivers)]
    findings = [one for one in found if one not in waived]
    for waiver in waivers if is_check else ():
        if waiver.rule not in RULES or not any(_covers(waiver, one) for one in waived):
            findings.append(_idle(waiver))
    return Verdict(
        outcome=_outcome(findings),
        findings=findings,
        waived=waived,
        questions=[_clarification(one) for one in findings if one.severity == "ask"],
        examined=examined,
    )


def unverified(reason: str) -> Verdict:
    """Say that nobody could look."""
    return Verdict(outcome=Outcome.UNVERIFIED, reason=reason)


def _outcome(findings: list[Finding]) -> Outcome:
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return Outcome.REJECTED
    return Outcome.NEEDS_DECISION if "ask" in severities else Outcome.VERIFIED


def _covers(waiver: Waiver, finding: Finding) -> bool:
    # Brackets and question marks stand for themselves.
    pattern = waiver.where.replace("[", "[[]").replace("?", "[?]")
    return waiver.rule == finding.rule and fnmatchcase(finding.where, pattern)


def _idle(waiver: Waiver) -> Finding:
    said = "is waived, and there is nothing to waive"
    return Finding(rule=waiver.rule, where=waiver.where, detail=said, severity="error", owner="user")


def _clarification(finding: Finding) -> Clarification:
    question, kind, options = QUESTIONS[finding.rule]
    said = {"id": question, "kind": kind, "question": f"{finding.where}: {finding.detail}"}
    return Clarification.model_validate({**said, "options": options})
