"""Applies the rules to a case and says what comes of it."""

from fnmatch import fnmatchcase

from todo.architect import rules
from todo.architect.case import Case
from todo.architect.findings import RULES, Clarification, Finding, Outcome, Verdict
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
    """Apply every rule of the phase."""
    examined: dict[str, int] = {}
    findings: list[Finding] = []
    answers = case.subject.request.answers if case.subject.request else {}
    for rule in RULES.values():
        if case.phase in rule.phases:
            examined[rule.id], found = rule.apply(case)
            findings += [one for one in found if _question(one.rule) not in answers]
            if case.phase == "check" and examined[rule.id] == 0:
                findings.append(_of_rule(rule.id, "the running system", "there was nothing to look at"))
    waivers = [*case.decisions.waivers, *case.subject.waivers]
    waived = [finding for finding in findings if any(_covers(waiver, finding) for waiver in waivers)]
    findings = [finding for finding in findings if finding not in waived]
    if case.phase == "check":
        idle = [one for one in waivers if not any(_covers(one, finding) for finding in waived)]
        findings += [
            _of_rule(one.rule, one.where, "is waived, and there is nothing to waive") for one in idle
        ]
    asked = [finding for finding in findings if finding.severity == "ask"]
    return Verdict(
        outcome=_outcome(findings),
        findings=findings,
        waived=waived,
        questions=[_clarification(finding) for finding in asked],
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


def _question(rule_id: str) -> str | None:
    return QUESTIONS[rule_id][0] if rule_id in QUESTIONS else None


def _of_rule(rule_id: str, where: str, detail: str) -> Finding:
    owner = RULES[rule_id].owner if rule_id in RULES else "user"
    return Finding(rule=rule_id, where=where, detail=detail, severity="error", owner=owner)


def _clarification(finding: Finding) -> Clarification:
    question, kind, options = QUESTIONS[finding.rule]
    return Clarification.model_validate(
        {"id": question, "kind": kind, "question": f"{finding.where}: {finding.detail}", "options": options}
    )
