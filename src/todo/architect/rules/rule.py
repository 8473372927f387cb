"""What a rule is: a sentence, what it is said of, and what shows that it is not so."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from todo.architect.constitution import Constitution
from todo.architect.design import Design, Endpoint
from todo.architect.schema import Schema
from todo.architect.verdict import Clarification, Finding, Kind, Owner, Seen

Phase = Literal["check", "verify"]
# What is wrong with a subject: nothing, one thing, or some.
Faults = str | Iterable[str] | Literal[False] | None


@dataclass(frozen=True)
class Case:
    """What is judged.

    `subject` is it alone, `live` the running system without it, `design` the two together; `before` and
    `schema` are the tables without it and with it, as PostgreSQL has them. `seen` was judged on the spot.
    """

    phase: Phase
    subject: Design
    live: Design
    design: Design
    constitution: Constitution
    before: Schema
    schema: Schema
    claims: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    seen: Sequence[Seen] = ()

    def endpoints(self) -> list[Endpoint]:
        """Give the endpoints that are judged, each with all it has."""
        return [one for one in self.design.api.endpoints if self.subject.endpoint(one.name)]

    def protected(self) -> list[Endpoint]:
        return [one for one in self.endpoints() if not self.is_public(one)]

    def requests(self) -> list[Endpoint]:
        return [one for one in self.endpoints() if one.request]

    def mapped(self) -> list[Endpoint]:
        """Give those that show or take members of a table that is there."""
        return [one for one in self.endpoints() if one.response and self.table_of(one) is not None]

    def tables(self) -> list[sa.Table]:
        """Give the tables that are judged, each with all it has."""
        names = {change.table for change in self.subject.db.changes}
        return [table for table in self.schema.values() if table.name in names]

    def table_of(self, endpoint: Endpoint) -> sa.Table | None:
        return self.schema.get(endpoint.table or "")

    def is_public(self, endpoint: Endpoint) -> bool:
        return any(rule.level == "public" for rule in self.design.access(endpoint.name))


class Rule(NamedTuple):
    """A sentence that must be true of every subject, and how that is found out.

    Without a judge it is about what can only be seen where something runs.
    """

    id: str
    owner: Owner
    says: str
    subjects: Callable[[Case], Iterable[Any]] = lambda _: ()
    judge: Callable[[Any, Case], Faults] = lambda _subject, _case: None
    # None: the running system and proposals alike.
    only: Phase | None = None
    asks: Clarification | None = None

    def look(self, case: Case) -> list[Seen]:
        """Give all that was looked at, and what was wrong with it."""
        looked = [one for one in case.seen if one.rule == self.id]
        for subject in self.subjects(case):
            faults = self.judge(subject, case) or [""]
            said = [faults] if isinstance(faults, str) else [*faults] or [""]
            looked += [Seen(self.id, subject.name, fault) for fault in said]
        return looked

    def finding(self, seen: Seen) -> Finding:
        return Finding(
            rule=self.id, owner=self.owner, severity="ask" if self.asks else "error",
            where=seen.where, detail=seen.fault, evidence=seen.evidence,
        )  # fmt: skip


def question(id_: str, kind: Kind, *options: str) -> Clarification:
    """Give what a person is asked where a rule finds something, but for what it found."""
    return Clarification(id=id_, kind=kind, question="", options=list(options))


def words(question: str, asks: str, pattern: str, unless: str = r"(?!)") -> Callable[[Any, Case], Faults]:
    """Look for words of a request that touch on what only a person can decide."""

    def judge(request: Any, case: Case) -> Faults:
        found = re.search(rf"\b({pattern})\b", request.text, re.IGNORECASE)
        decided = case.constitution.answers.get(question, {}).values()
        refused = [answer for answer in decided if answer.startswith(("no", "never"))]
        if not found or re.search(unless, request.text) or (decided and not refused):
            return None
        return f"“{found[0]}”: " + (f"decided is “{refused[0]}”: is that to change?" if refused else asks)

    return judge
