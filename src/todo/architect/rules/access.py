"""Rules about who may do what."""

import re
from collections.abc import Iterator

from todo.architect.case import Answer, Case
from todo.architect.findings import Flaw, Point, rule
from todo.architect.model import Access, Endpoint

_SECRETS = re.compile(r"(^|_)(password|secret|token|hash|digest)($|_)")


def _endpoints(case: Case) -> list[Endpoint]:
    return case.endpoints()


def _is_public(case: Case, name: str) -> bool:
    return any(rule.level == "public" for rule in case.design.access(name))


@rule("AUTH-1", "Every endpoint has one rule of access, and every rule its endpoint", Point.AUTH,
      over=lambda case: [*case.endpoints(), *case.subject.auth.rules], owner="auth")  # fmt: skip
def one_rule_each(subject: Endpoint | Access, case: Case) -> Iterator[Flaw]:
    if isinstance(subject, Access):
        if case.design.endpoint(subject.endpoint) is None:
            yield Flaw(subject.endpoint, "a rule for an endpoint that is not there")
        return
    count = len(case.design.access(subject.name))
    if count != 1:
        yield Flaw(subject.name, f"{count} rules of access" if count else "no rule of access")


@rule("AUTH-2", "Public is what the constitution lists; everybody else needs a token that is ours",
      Point.AUTH, over=_endpoints, owner="auth")  # fmt: skip
def only_some_are_public(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    if _is_public(case, endpoint.name):
        if endpoint.name not in case.decisions.subjects("public"):
            yield Flaw(endpoint.name, "is open to anybody, and nobody has decided that")
        return
    for answer in case.evidence.answers:
        is_about = answer.operation == endpoint.name and answer.asked in {"anonymous", "forged"}
        if is_about and answer.status != 401:  # noqa: PLR2004  # not signed in
            said = f"answers {answer.status} to {answer.asked} {answer.detail}".strip()
            yield Flaw(endpoint.name, said, str(answer.body)[:200])


@rule("AUTH-3", "What belongs to somebody is theirs alone: others are refused as decided, and see none of it",
      Point.AUTH, over=lambda case: [one for one in case.endpoints() if not _is_public(case, one.name)],
      owner="auth")  # fmt: skip
def owners_alone(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    table = case.table_of(endpoint)
    for access in case.design.access(endpoint.name):
        if table is not None and table.owner and not access.ownership:
            yield Flaw(endpoint.name, f"rows of {table.name} belong to somebody, and nobody asks whom")
        if access.ownership and table is not None and table.owner is None:
            yield Flaw(endpoint.name, f"{table.name} has no column that says whose a row is")
        decided = case.decisions.decided("foreign", endpoint.table or "")
        if decided and access.foreign and str(access.foreign) != decided:
            yield Flaw(endpoint.name, f"answers {access.foreign} for another's; decided is {decided}")
    for answer in case.evidence.answers:
        if answer.operation == endpoint.name and answer.asked in {"foreign", "foreign look"}:
            yield from _leaks(answer, case, endpoint)


def _leaks(answer: Answer, case: Case, endpoint: Endpoint) -> Iterator[Flaw]:
    evidence = f"{answer.status} {answer.body}"[:200]
    if not answer.is_left_alone:
        yield Flaw(endpoint.name, "shows or changes what belongs to somebody else", evidence)
    # Under an id of one's own choice there is one's own thing, whoever else has chosen it.
    if answer.asked != "foreign" or endpoint.method == "PUT":
        return
    decided = case.decisions.decided("foreign", endpoint.table or "")
    if decided and str(answer.status) != decided:
        yield Flaw(endpoint.name, f"answers {answer.status} for another's; decided is {decided}", evidence)


@rule("AUTH-4", "Claims that are used are claims that tokens carry", Point.AUTH,
      over=lambda case: case.subject.auth.rules, owner="auth")  # fmt: skip
def claims_are_issued(access: Access, case: Case) -> Iterator[Flaw]:
    if missing := sorted(set(access.claims) - case.evidence.claims):
        yield Flaw(access.endpoint, f"no token carries {', '.join(missing)}")


@rule("AUTH-5", "No password, token or digest leaves, neither in an answer nor in the log", Point.AUTH,
      over=lambda case: [*case.endpoints(), *case.evidence.log_leaks], owner="api")  # fmt: skip
def secrets_stay(subject: Endpoint | tuple[str, str], _case: Case) -> Iterator[Flaw]:
    if isinstance(subject, tuple):
        yield Flaw(subject[0], "holds what a person wrote or signed in with", subject[1][:200])
        return
    for field in subject.response:
        if _SECRETS.search(field.name):
            yield Flaw(subject.name, f"{field.name} leaves")
