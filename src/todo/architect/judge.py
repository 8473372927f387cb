"""Applies the rules to a case, and tells what comes of it."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from todo.architect.design import Waiver
from todo.architect.evidence import Case, Trace
from todo.architect.rules import POINTS, RULES
from todo.architect.verdict import Finding, Outcome, Verdict


def judge(case: Case) -> Verdict:
    """Apply every rule of the phase; what is answered is not asked, what is waived is told apart."""
    waivers = [*case.constitution.waivers, *case.subject.waivers]
    verdict = Verdict(outcome=Outcome.VERIFIED)
    for rule in RULES.values():
        if case.phase not in rule.phases:
            continue
        looked_at, found = rule.apply(case)
        verdict.examined[rule.id] = looked_at
        if case.phase == "check" and not looked_at:
            found = [rule.finding("the running system", "there was nothing to look at")]
        for finding in [] if rule.asks and rule.asks.id in case.subject.request.answers else found:
            if any(_covers(waiver, finding) for waiver in waivers):
                verdict.waived.append(finding)
                continue
            verdict.findings.append(finding)
            if rule.asks:
                asked = f"{finding.where}: {finding.detail}"
                verdict.questions.append(rule.asks.model_copy(update={"question": asked}))
    if verdict.findings:
        verdict.outcome = Outcome.REJECTED if verdict.errors() else Outcome.NEEDS_DECISION
    return verdict


def _covers(waiver: Waiver, finding: Finding) -> bool:
    # Brackets and question marks stand for themselves.
    pattern = waiver.where.replace("[", "[[]").replace("?", "[?]")
    return waiver.rule == finding.rule and fnmatchcase(finding.where, pattern)


def report(verdict: Verdict, traces: tuple[Trace, ...] = ()) -> Iterator[str]:
    """Tell the points of quality: each with its rules, how much they looked at, and what they found."""
    if verdict.outcome is Outcome.UNVERIFIED:
        yield f"UNVERIFIED: {verdict.reason}"
        return
    yield from map(str, traces)
    for number, (point, rules) in enumerate(POINTS.items(), start=1):
        asked = [rule for rule in rules if rule.id in verdict.examined]
        found = [one for one in verdict.findings if RULES[one.rule] in rules]
        is_wrong = any(one.severity == "error" for one in found)
        state = (
            "NO" if is_wrong else "to be decided" if found else "holds" if asked else "is asked of what runs"
        )
        yield f"{number}. {point}: {state}"
        for rule in asked:
            yield f"   {rule.id:<14} {verdict.examined[rule.id]:>4} looked at   {rule.says}"
        yield from (f"   {one.severity.upper():<5} {one}" for one in found)
    yield from (f"waived  {one.rule} {one.where}: {one.detail}" for one in verdict.waived)
    yield from map(str, verdict.questions)
    for conflict in verdict.conflicts:
        yield f"CONFLICT {conflict.rule} {conflict.where}: {conflict.detail}"
        yield from (f"   {side}: {said}" for side, said in conflict.sides.items())
    looked_at = sum(verdict.examined.values())
    rest = f"{len(verdict.findings)} findings, {len(verdict.waived)} waived"
    yield f"{verdict.outcome.upper()}: {len(verdict.examined)} rules looked at {looked_at} subjects, {rest}"
