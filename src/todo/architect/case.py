"""What rules look at: a design, the running system beneath it, and what was seen of both."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from todo.architect.decisions import Decisions
from todo.architect.model import Access, Design, Endpoint, Phase, Table
from todo.architect.planner import Query

Asked = Literal[
    "anonymous", "forged", "foreign", "foreign look", "unknown id", "malformed id", "unknown member",
    "unknown parameter", "server's own member", "unknown path", "other method", "crash", "away",
]  # fmt: skip


class Looked(NamedTuple):
    """What was looked at, and what was wrong with it; empty where nothing was."""

    at: str
    fault: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Trace:
    """One operation from end to end: what it depends on, what it answers, what it asks of the database."""

    operation: str
    chain: tuple[str, ...]
    is_async: bool
    status: int
    queries: tuple[Query, ...] = ()
    blocked_by: str | None = None


@dataclass(frozen=True)
class Answer:
    """What was answered to a question that should be refused."""

    operation: str
    asked: Asked
    status: int
    media_type: str
    body: Any
    detail: str = ""
    is_left_alone: bool = True

    @property
    def is_refusal(self) -> bool:
        return self.status >= 400  # noqa: PLR2004  # where refusals begin in HTTP

    def __str__(self) -> str:
        return f"{self.status} {self.body}"[:200]


@dataclass(frozen=True)
class Page:
    """A specification: what it says of itself, and whether its generated block is what the system says."""

    path: str
    status: str
    operations: tuple[str, ...]
    tables: tuple[str, ...]
    is_feature: bool = False
    is_current: bool = True
    is_verified: bool = True
    is_served: bool = False
    missing_tests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What was seen; empty where nobody looked."""

    operations: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    answers: tuple[Answer, ...] = ()
    queries: tuple[Query, ...] = ()
    ddl: tuple[Looked, ...] = ()
    migrations: tuple[Looked, ...] = ()
    layers: tuple[Looked, ...] = ()
    contracts: tuple[Looked, ...] = ()
    records: tuple[Looked, ...] = ()
    log_leaks: tuple[str, ...] = ()
    pages: tuple[Page, ...] = ()
    tools: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    problem_schema: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """What is judged.

    `subject` is it alone, `live` the running system without it, `design` the two together.
    """

    phase: Phase
    subject: Design
    live: Design
    design: Design
    decisions: Decisions
    evidence: Evidence

    def endpoints(self) -> list[Endpoint]:
        """Give the endpoints that are judged, each with all it has."""
        names = {endpoint.name for endpoint in self.subject.api.endpoints}
        return [endpoint for endpoint in self.design.api.endpoints if endpoint.name in names]

    def protected(self) -> list[Endpoint]:
        return [endpoint for endpoint in self.endpoints() if not self.is_public(endpoint)]

    def tables(self) -> list[Table]:
        """Give the tables that are judged, each with all it has."""
        names = {table.name for table in self.subject.db.tables}
        return [table for table in self.design.db.tables if table.name in names]

    def rules(self) -> list[Access]:
        return self.subject.auth.rules

    def table_of(self, endpoint: Endpoint) -> Table | None:
        return self.design.table(endpoint.table)

    def is_public(self, endpoint: Endpoint) -> bool:
        return any(rule.level == "public" for rule in self.design.access(endpoint.name))

    def answers(self, endpoint: Endpoint, *asked: Asked) -> list[Answer]:
        """Give what an endpoint answered to such questions."""
        answers = self.evidence.answers
        return [one for one in answers if one.operation == endpoint.name and one.asked in asked]

    def foreign(self, endpoint: Endpoint) -> str | None:
        """Give how another's thing is refused, as decided; None while that is open."""
        return self.decisions.decided("foreign", endpoint.table or "")
