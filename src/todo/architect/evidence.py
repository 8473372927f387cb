"""What rules look at: a design, the running system beneath it, and what was seen of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from todo.architect.catalogue import Schema
from todo.architect.constitution import Constitution
from todo.architect.design import Design, Endpoint, Migration
from todo.architect.planner import Plan

Phase = Literal["check", "verify"]
Asked = Literal[
    "anonymous", "forged", "foreign", "foreign look", "unknown id", "malformed id", "unknown member",
    "unknown parameter", "server's own member", "unknown path", "other method", "crash", "away",
]  # fmt: skip


class Looked(NamedTuple):
    """What was looked at, and what was wrong with it; empty where nothing was."""

    name: str
    fault: str = ""
    evidence: str = ""


class Query(NamedTuple):
    """What asks the database, how PostgreSQL means to run that, and what is refused of it."""

    name: str
    plan: Plan
    faults: tuple[str, ...]
    verb: str = "SELECT"

    @property
    def evidence(self) -> str:
        return str(self.plan)


class Step(NamedTuple):
    """What a migration does to a table or to its rows, and how hard that is on what runs."""

    name: str
    needed: Migration
    why: str
    evidence: str = ""


class Trace(NamedTuple):
    """One operation from end to end: what it depends on, what it answers, what it asks of the database."""

    name: str
    chain: tuple[str, ...]
    is_async: bool
    status: int
    queries: tuple[Query, ...] = ()
    evidence: str = ""  # what blocked the loop

    def __str__(self) -> str:
        lines = [f"{self.name} -> {self.status}   {' > '.join(self.chain)}"]
        for query in self.queries:
            by = f" by {', '.join(sorted(query.plan.indexes))}" if query.plan.indexes else ""
            lines.append(f"    {query.verb} {', '.join(sorted(query.plan.tables))}{by}")
        return "\n".join(lines)


class Answer(NamedTuple):
    """What was answered to a question that should be refused."""

    name: str
    asked: Asked
    status: int
    media_type: str
    body: Any
    detail: str = ""
    shows_mark: bool = False

    @property
    def is_refusal(self) -> bool:
        return self.status >= HTTPStatus.BAD_REQUEST

    @property
    def evidence(self) -> str:
        return f"{self.status} {self.body}"[:200]


class Page(NamedTuple):
    """A specification: what it says of itself, and whether its generated block is what the system says."""

    name: str
    status: str
    covers: tuple[str, ...]
    is_feature: bool = False
    is_current: bool = True
    is_verified: bool = True
    is_served: bool = False
    missing_tests: tuple[str, ...] = ()


class Evidence(NamedTuple):
    """What was seen; empty where nobody looked."""

    traces: tuple[Trace, ...] = ()
    answers: tuple[Answer, ...] = ()
    queries: tuple[Query, ...] = ()
    steps: tuple[Step, ...] = ()
    pages: tuple[Page, ...] = ()
    tools: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    # What was judged where it was looked at, by the rule that says so.
    looked: Mapping[str, Sequence[Looked]] = MappingProxyType({})


@dataclass(frozen=True)
class Case:
    """What is judged.

    `subject` is it alone, `live` the running system without it, `design` the two together; `before` and
    `schema` are the tables without it and with it, as PostgreSQL has them.
    """

    phase: Phase
    subject: Design
    live: Design
    design: Design
    constitution: Constitution
    evidence: Evidence
    before: Schema
    schema: Schema

    def endpoints(self) -> list[Endpoint]:
        """Give the endpoints that are judged, each with all it has."""
        names = {endpoint.name for endpoint in self.subject.api.endpoints}
        return [endpoint for endpoint in self.design.api.endpoints if endpoint.name in names]

    def protected(self) -> list[Endpoint]:
        return [endpoint for endpoint in self.endpoints() if not self.is_public(endpoint)]

    def mapped(self) -> list[Endpoint]:
        """Give those that show or take members of a table that is there."""
        return [one for one in self.endpoints() if one.response and self.table_of(one) is not None]

    def tables(self) -> list[sa.Table]:
        """Give the tables that are judged, each with all it has."""
        names = {change.table for change in self.subject.db.changes}
        return [table for table in self.schema.values() if table.name in names]

    def table_of(self, one: Endpoint | Answer) -> sa.Table | None:
        endpoint = self.design.endpoint(one.name)
        return self.schema.get(endpoint.table or "") if endpoint else None

    def is_public(self, endpoint: Endpoint) -> bool:
        return any(rule.level == "public" for rule in self.design.access(endpoint.name))

    def foreign(self, one: Endpoint | Answer) -> str | None:
        """Give how another's thing is refused, as decided; None while that is open."""
        table = self.table_of(one)
        return self.constitution.decided("foreign", "" if table is None else table.name)
