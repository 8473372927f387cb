"""Every rule there is, by the eight points of quality; and what comes of applying them to a case."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from todo.architect.design import Waiver
from todo.architect.rules import requests, tables
from todo.architect.rules.rule import Case, Rule
from todo.architect.verdict import Finding, Outcome, Seen, Verdict

NOTHING = "there was nothing to look at"

POINTS = {
    "Every protected endpoint asks who is there": requests.ACCESS,
    "Every request is validated by a model": requests.VALIDATION,
    "Indexes and constraints serve the queries": tables.SCHEMA,
    "One error format": requests.ERRORS,
    "Asynchronous throughout": [
        Rule("ASYNC-1", "api", "Handlers are coroutines, and nothing blocks the loop", only="check"),
    ],
    "Specifications are up to date": [
        Rule("SPEC-1", "user", "Every operation and table is in one live specification, and that says so",
             only="check"),
        Rule("SPEC-2", "user", "What is proposed verifies and is not served yet; what is served is live",
             only="check"),
        Rule("SPEC-3", "user", "The committed contract files are what the system serves", only="check"),
        Rule("DOC-1", "user", "Every principle names what keeps it, and that is there", only="check"),
        Rule("DOC-2", "user", "Records are where and what they should be", only="check"),
        Rule("TEST-1", "coordinator", "Every endpoint names unit, integration and edge tests",
             lambda case: case.subject.api.endpoints,
             lambda one, case: [f"no {kind} test is named" for kind in ("unit", "integration", "edge")
                                if not any(getattr(it, kind) for it in case.subject.tests
                                           if it.endpoint == one.name)], "verify"),
    ],
    "API, database and sign-in fit each other": [
        Rule("LIVE-0", "api", "Every operation was called, answered, and its handler found", only="check"),
        *requests.NAMES, *tables.MAPPING,
        Rule("LAYER-1", "user", "Imports point downwards", only="check"),
    ],
    "Migrations are safe": tables.MIGRATIONS,
}  # fmt: skip
RULES: dict[str, Rule] = {rule.id: rule for rules in POINTS.values() for rule in rules}


def judge(case: Case) -> Verdict:
    """Apply every rule of the phase; what is answered is not asked, what is waived is told apart."""
    waivers = [*case.constitution.waivers, *case.subject.waivers]
    verdict = Verdict(outcome=Outcome.VERIFIED)
    for rule in RULES.values():
        if rule.only not in {None, case.phase}:
            continue
        looked = rule.look(case)
        verdict.examined[rule.id] = len(looked)
        if case.phase == "check" and not looked:
            looked = [Seen(rule.id, "the running system", NOTHING)]
        if rule.asks and rule.asks.id in case.subject.request.answers:
            continue
        for one in {(it.where, it.fault): rule.finding(it) for it in looked if it.fault}.values():
            is_waived = any(_covers(waiver, one) for waiver in waivers)
            (verdict.waived if is_waived else verdict.findings).append(one)
            if rule.asks and not is_waived:
                asked = f"{one.where}: {one.detail}"
                verdict.questions.append(rule.asks.model_copy(update={"question": asked}))
    if verdict.findings:
        verdict.outcome = Outcome.REJECTED if verdict.errors() else Outcome.NEEDS_DECISION
    return verdict


def _covers(waiver: Waiver, finding: Finding) -> bool:
    # Brackets and question marks stand for themselves.
    pattern = waiver.where.replace("[", "[[]").replace("?", "[?]")
    return waiver.rule == finding.rule and fnmatchcase(finding.where, pattern)


def report(verdict: Verdict) -> Iterator[str]:
    """Tell the points of quality: each with its rules, how much they looked at, and what they found."""
    if verdict.outcome is Outcome.UNVERIFIED:
        yield f"UNVERIFIED: {verdict.reason}"
        return
    for number, (point, rules) in enumerate(POINTS.items(), start=1):
        asked = [rule for rule in rules if rule.id in verdict.examined]
        found = [one for one in verdict.findings if RULES[one.rule] in rules]
        is_wrong = any(one.severity == "error" for one in found)
        state = "NO" if is_wrong else "to be decided" if found else "holds" if asked else "asked of what runs"
        yield f"{number}. {point}: {state}"
        for rule in asked:
            yield f"   {rule.id:<14} {verdict.examined[rule.id]:>4} looked at   {rule.says}"
        yield from (f"   {one.severity.upper():<5} {one}" for one in found)
    yield from (f"waived  {one.rule} {one.where}: {one.detail}" for one in verdict.waived)
    yield from map(str, [*verdict.questions, *verdict.conflicts])
    looked_at = sum(verdict.examined.values())
    rest = f"{len(verdict.findings)} findings, {len(verdict.waived)} waived"
    yield f"{verdict.outcome.upper()}: {len(verdict.examined)} rules looked at {looked_at} subjects, {rest}"
