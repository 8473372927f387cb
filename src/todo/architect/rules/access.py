"""Rules about who may do what."""

import re
from collections.abc import Iterator
from http import HTTPStatus

from todo.architect.design import Access, Endpoint
from todo.architect.evidence import Answer, Case
from todo.architect.rules.rule import VERIFY, Rule, answers, question, seen, where, words

_SECRET = re.compile(r"(^|_)(password|secret|token|hash|digest)($|_)")


def _has_one_rule(one: Endpoint | Access, case: Case) -> str | None:
    if isinstance(one, Access):
        return None if case.design.endpoint(one.name) else "a rule for an endpoint that is not there"
    count = len(case.subject.access(one.name) or case.design.access(one.name))
    return {0: "no rule of access", 1: None}.get(count, f"{count} rules of access")


def _asks_whose(one: Endpoint, case: Case) -> Iterator[str]:
    table, decided = case.table_of(one), case.foreign(one)
    for access in case.design.access(one.name):
        if table is not None and table.info["owner"] and not access.ownership:
            yield f"rows of {table.name} belong to somebody, and nobody asks whom"
        if table is not None and access.ownership and not table.info["owner"]:
            yield f"{table.name} has no column that says whose a row is"
        if decided and access.foreign and str(access.foreign) != decided:
            yield f"answers {access.foreign} for another's; decided is {decided}"


def _keeps_others_out(one: Answer, case: Case) -> Iterator[str]:
    decided = case.foreign(one)
    if one.shows_mark:
        yield "shows what belongs to somebody else"
    # Under an id of one's own choice there is one's own thing, whoever else has chosen it.
    is_refused = str(one.status) == decided if decided else one.is_refusal
    if one.asked == "foreign" and not one.name.startswith("PUT") and not is_refused:
        yield f"answers {one.status} for another's; decided is {decided or 'nothing yet'}"


RULES = [
    Rule("AUTH-1", "auth", "Every endpoint has one rule of access, and every rule its endpoint",
         [(lambda case: [*case.endpoints(), *case.subject.auth.rules], _has_one_rule)]),
    Rule("AUTH-2", "auth", "Public is what the constitution lists; everybody else needs a token that is ours",
         [(Case.endpoints, lambda one, case: case.is_public(one)
           and one.name not in case.constitution.subjects("public")
           and "is open to anybody, and nobody has decided that"),
          (answers("anonymous", "forged"), lambda one, _: one.status != HTTPStatus.UNAUTHORIZED
           and f"answers {one.status} to {one.asked} {one.detail}".strip())]),
    Rule("AUTH-3", "auth", "What belongs to somebody is theirs alone: others are refused as decided",
         [(Case.protected, _asks_whose), (answers("foreign", "foreign look"), _keeps_others_out)]),
    Rule("AUTH-4", "auth", "Claims that are used are claims that tokens carry",
         [(lambda case: case.subject.auth.rules,
           lambda one, case: [f"no token carries {claim}" for claim in one.claims
                              if claim not in case.evidence.claims])]),
    Rule("AUTH-5", "api", "No password, token or digest leaves, neither in an answer nor in the log",
         [(Case.endpoints, lambda one, _: [f"{field.name} leaves" for field in one.response
                                           if _SECRET.search(field.name)]), *seen("AUTH-5")]),
    Rule("ASK-foreign", "user", "Whether another's thing is forbidden or not there is decided",
         [(where(Case.endpoints, lambda one: one.is_item and one.table),
           lambda one, case: not case.foreign(one)
           and "is another's thing 403 (it exists) or 404 (nobody learns that)?")],
         VERIFY, question("foreign", "security", "403", "404")),
    Rule("ASK-sharing", "user", "Whether people see each other's things is decided",
         words("sharing", "may somebody else see or change it, and what exactly?",
               r"shar\w*|team\w*|assign\w*|collaborat\w*|others|invite\w*|delegate\w*"),
         VERIFY, question("sharing", "security", "never", "others may read", "others may read and change")),
]  # fmt: skip
