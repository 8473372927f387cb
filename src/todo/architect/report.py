"""Verdicts as people read them."""

from collections.abc import Iterator

from todo.architect.case import Trace
from todo.architect.findings import RULES, Finding, Outcome, Point, Verdict

_EVIDENCE_WIDTH = 300


def report(verdict: Verdict, traces: tuple[Trace, ...] = ()) -> Iterator[str]:
    """Tell the points of quality: each with its rules, how much they looked at, and what they found."""
    if verdict.outcome is Outcome.UNVERIFIED:
        yield f"UNVERIFIED: {verdict.reason}"
        return
    for trace in traces:
        yield from _trace(trace)
    for number, point in enumerate(Point, start=1):
        rules = [rule for rule in RULES.values() if rule.point is point and rule.id in verdict.examined]
        findings = [finding for finding in verdict.findings if finding.rule in {rule.id for rule in rules}]
        yield f"{number}. {point}: {_state(findings) if rules else 'is asked of what runs'}"
        for rule in rules:
            yield f"   {rule.id:<14} {verdict.examined[rule.id]:>4} looked at   {rule.says}"
        for finding in findings:
            yield from _finding(finding)
    for finding in verdict.waived:
        yield f"waived  {finding.rule} {finding.where}: {finding.detail}"
    for question in verdict.questions:
        yield f"DECIDE  {question.id}: {question.question} ({' | '.join(question.options)})"
    for conflict in verdict.conflicts:
        yield f"CONFLICT {conflict.rule} {conflict.where}: {conflict.detail}"
        for side, said in conflict.sides.items():
            yield f"   {side}: {said}"
    looked_at = sum(verdict.examined.values())
    found = f"{len(verdict.findings)} findings, {len(verdict.waived)} waived"
    yield f"{verdict.outcome.upper()}: {len(verdict.examined)} rules looked at {looked_at} subjects, {found}"


def _trace(trace: Trace) -> Iterator[str]:
    yield f"{trace.operation} -> {trace.status}   {' > '.join(trace.chain)}"
    for query in trace.queries:
        by = f" by {', '.join(sorted(query.plan.indexes))}" if query.plan.indexes else ""
        yield f"    {query.verb} {', '.join(sorted(query.plan.tables))}{by}"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"   {finding.severity.upper():<5} {finding.rule} {finding.where}: {finding.detail}"
    if finding.evidence:
        yield f"         {finding.evidence[:_EVIDENCE_WIDTH]}"


def _state(findings: list[Finding]) -> str:
    if not findings:
        return "holds"
    return "NO" if any(finding.severity == "error" for finding in findings) else "to be decided"
