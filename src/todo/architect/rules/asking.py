"""Rules that ask: what only a person can decide, by the shape of a design first and by its words second."""

import re
from collections.abc import Callable, Iterator

from todo.architect.case import Case
from todo.architect.findings import Flaw, Point, rule
from todo.architect.model import Endpoint

_SHARING = r"shar\w*|team\w*|assign\w*|collaborat\w*|others|invite\w*|delegate\w*"
_HIDDEN = r"completed|archiv\w*|hidden|done ones"
_SPEED = r"fast\w*|quick\w*|thousands|millions|scal\w*|performan\w*"
_NEW_PARTS = (
    r"queue|redis|kafka|celery|cache|elasticsearch|extension|graphql|websocket\w*|cron|broker|e-?mails?|sms"
)


def _texts(case: Case) -> list[str]:
    return [case.subject.request.text] if case.subject.request else []


def _trigger(
    question: str, words: str, asks: str, *, unless: str | None = None
) -> Callable[[str, Case], Iterator[Flaw]]:
    def judge(text: str, case: Case) -> Iterator[Flaw]:
        found = re.search(rf"\b({words})\b", text, re.IGNORECASE)
        is_said = unless is not None and re.search(unless, text)
        decided = set(case.decisions.answers.get(question, {}).values())
        if refused := [answer for answer in decided if answer.startswith(("no", "never"))]:
            asks_again = f"decided is “{refused[0]}”: is that to change?"
        else:
            asks_again = asks
        if found and not is_said and (refused or not decided):
            yield Flaw(f"the request says “{found[0]}”", asks_again)

    return judge


@rule("ASK-retention", "What becomes of deleted data is decided", Point.SCHEMA,
      over=lambda case: [one for one in case.subject.api.endpoints if one.method == "DELETE"],
      owner="user", severity="ask", phases=("verify",))  # fmt: skip
def retention_is_decided(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    if not case.decisions.decided("deletion", endpoint.table or ""):
        yield Flaw(endpoint.name, f"is a deleted row of {endpoint.table} kept for a while, or gone at once?")


@rule("ASK-foreign", "Whether another's thing is forbidden or not there is decided", Point.AUTH,
      over=lambda case: [one for one in case.endpoints() if one.is_item and one.table],
      owner="user", severity="ask", phases=("verify",))  # fmt: skip
def foreign_is_decided(endpoint: Endpoint, case: Case) -> Iterator[Flaw]:
    if not case.decisions.decided("foreign", endpoint.table or ""):
        yield Flaw(endpoint.name, "is another's thing 403 (it exists) or 404 (nobody learns that)?")


for rule_id, says, point, judge in (
    ("ASK-sharing", "Whether people see each other's things is decided", Point.AUTH,
     _trigger("sharing", _SHARING, "may somebody else see or change it, and what exactly?")),
    ("ASK-visibility", "Whether finished things are listed is decided", Point.VALIDATION,
     _trigger("visibility", _HIDDEN, "are they in the list, or only when asked for?")),
    ("ASK-tradeoff", "New infrastructure is decided", Point.INTEGRATION,
     _trigger("infrastructure", _NEW_PARTS, "may the product need one more part to run?")),
    ("ASK-volume", "Speed is asked for in numbers", Point.SCHEMA,
     _trigger("volume", _SPEED, "how many rows of how many people, and how fast is fast?", unless=r"\d")),
):  # fmt: skip
    rule(rule_id, says, point, over=_texts, owner="user", severity="ask", phases=("verify",))(judge)
