"""Rules about who may do what."""

import re
from collections.abc import Iterator

from todo.architect.case import Case
from todo.architect.findings import Flaw, Point, rule
from todo.architect.model import Access, Endpoint

_SECRETS = re.compile(r"(^|_)(password|secret|token|hash|digest)($|_)")


@rule("AUTH-1", "Every endpoint has one rule of access, and every rule its endpoint", Point.AUTH,
      lambda case: [*case.endpoints(), *case.rules()], "auth")  # fmt: skip
def one_rule_each(subject: Endpoint | Access, case: Case) -> Iterator[Flaw]:
    if isinstance(subject, Access):
        if case.design.endpoint(subject.endpoint) is None:
            yield Flaw(subject.endpoint, "a rule for an endpoint that is not there")
    elif (count := len(case.design.access(subject.name))) != 1:
        yield Flaw(subject.name, f"{count} rules of access" if count else "no rule of access")


@rule("AUTH-2", "Public is what the constitution lists; everybody else needs a token that is ours",
      Point.AUTH, Case.endpoints, "auth")  # fmt: skip
def only_some_are_public(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    if case.is_public(endpoint):
        if endpoint.name not in case.decisions.subjects("public"):
            yield Flaw(endpoint.name, "is open to anybody, and nobody has decided that")
        return
    for answer in case.answers(endpoint, "anonymous", "forged"):
        if answer.status != 401:  # noqa: PLR2004  # not signed in
            said = f"answers {answer.status} to {answer.asked} {answer.detail}"
            yield Flaw(endpoint.name, said.strip(), str(answer))


@rule("AUTH-3", "What belongs to somebody is theirs alone: others are refused as decided, and see none of it",
      Point.AUTH, Case.protected, "auth")  # fmt: skip
def owners_alone(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    table, decided = case.table_of(endpoint), case.foreign(endpoint)
    for access in case.design.access(endpoint.name):
        if table and table.owner and not access.ownership:
            yield Flaw(endpoint.name, f"rows of {table.name} belong to somebody, and nobody asks whom")
        if table and access.ownership and table.owner is None:
            yield Flaw(endpoint.name, f"{table.name} has no column that says whose a row is")
        if decided and access.foreign and str(access.foreign) != decided:
            yield Flaw(endpoint.name, f"answers {access.foreign} for another's; decided is {decided}")
    for answer in case.answers(endpoint, "foreign", "foreign look"):
        if not answer.is_left_alone:
            yield Flaw(endpoint.name, "shows or changes what belongs to somebody else", str(answer))
        # Under an id of one's own choice there is one's own thing, whoever else has chosen it.
        is_refused = answer.asked == "foreign" and endpoint.method != "PUT"
        if is_refused and decided and str(answer.status) != decided:
            said = f"answers {answer.status} for another's; decided is {decided}"
            yield Flaw(endpoint.name, said, str(answer))


@rule("AUTH-4", "Claims that are used are claims that tokens carry", Point.AUTH, Case.rules, "auth")
def claims_are_issued(access: Access, case: Case) -> Iterator[Flaw]:
    if missing := sorted(set(access.claims) - case.evidence.claims):
        yield Flaw(access.endpoint, f"no token carries {', '.join(missing)}")


@rule("AUTH-5", "No password, token or digest leaves, neither in an answer nor in the log", Point.AUTH,
      lambda case: [*case.endpoints(), *case.evidence.log_leaks], "api")  # fmt: skip
def secrets_stay(subject: Endpoint | str, _case: Case) -> Iterator[Flaw]:
    if isinstance(subject, str):
        yield Flaw("the log", "holds what a person wrote or signed in with", subject[:200])
        return
    for field in subject.response:
        if _SECRETS.search(field.name):
            yield Flaw(subject.name, f"{field.name} leaves")
