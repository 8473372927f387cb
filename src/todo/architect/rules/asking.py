"""Rules that ask: what only a person can decide, by the shape of a design first and by its words second."""

import re
from collections.abc import Iterator

from todo.architect.case import Case
from todo.architect.findings import VERIFY, Flaw, Judge, Point, rule
from todo.architect.model import Endpoint


@rule("ASK-retention", "What becomes of deleted data is decided", Point.SCHEMA,
      lambda case: [one for one in case.subject.api.endpoints if one.method == "DELETE"], "user",
      severity="ask", phases=VERIFY)  # fmt: skip
def retention_is_decided(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    if not case.decisions.decided("deletion", endpoint.table or ""):
        yield Flaw(endpoint.name, f"is a deleted row of {endpoint.table} kept for a while, or gone at once?")


@rule("ASK-foreign", "Whether another's thing is forbidden or not there is decided", Point.AUTH,
      lambda case: [one for one in case.endpoints() if one.is_item and one.table], "user",
      severity="ask", phases=VERIFY)  # fmt: skip
def foreign_is_decided(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    if not case.foreign(endpoint):
        yield Flaw(endpoint.name, "is another's thing 403 (it exists) or 404 (nobody learns that)?")


def _trigger(question: str, asks: str, words: str, unless: str) -> Judge:
    def judge(text: str, case: Case) -> Iterator[Flaw]:
        found = re.search(rf"\b({words})\b", text, re.IGNORECASE)
        decided = set(case.decisions.answers.get(question, {}).values())
        refused = [answer for answer in decided if answer.startswith(("no", "never"))]
        if found and not re.search(unless, text) and (refused or not decided):
            again = f"decided is “{refused[0]}”: is that to change?" if refused else asks
            yield Flaw(f"the request says “{found[0]}”", again)

    return judge


_NOTHING = r"(?!)"
for rule_id, says, point, question, asks, words, unless in (
    ("ASK-sharing", "Whether people see each other's things is decided", Point.AUTH,
     "sharing", "may somebody else see or change it, and what exactly?",
     r"shar\w*|team\w*|assign\w*|collaborat\w*|others|invite\w*|delegate\w*", _NOTHING),
    ("ASK-visibility", "Whether finished things are listed is decided", Point.VALIDATION,
     "visibility", "are they in the list, or only when asked for?",
     r"completed|archiv\w*|hidden|done ones", _NOTHING),
    ("ASK-tradeoff", "New infrastructure is decided", Point.INTEGRATION,
     "infrastructure", "may the product need one more part to run?",
     r"queue|redis|kafka|celery|cache|elasticsearch|extension|graphql|websocket\w*|cron|broker|e-?mails?|sms",
     _NOTHING),
    ("ASK-volume", "Speed is asked for in numbers", Point.SCHEMA,
     "volume", "how many rows of how many people, and how fast is fast?",
     r"fast\w*|quick\w*|thousands|millions|scal\w*|performan\w*", r"\d"),
):  # fmt: skip
    rule(rule_id, says, point, lambda case: [case.subject.request.text] if case.subject.request else [],
         "user", severity="ask", phases=VERIFY)(_trigger(question, asks, words, unless))  # fmt: skip
