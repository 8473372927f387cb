"""What rules look at: a design, the running system beneath it, and what was seen of both."""

from dataclasses import dataclass, field
from typing import Any, Literal

from todo.architect.decisions import Decisions
from todo.architect.model import Design, Endpoint, Phase, Table


@dataclass(frozen=True)
class Query:
    """One statement as it was sent, how PostgreSQL means to run it, and what of the plan is refused."""

    sql: str
    tables: frozenset[str]
    indexes: frozenset[str]
    faults: tuple[str, ...] = ()
    plan: str = ""
    buffers: int | None = None


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
    asked: Literal[
        "anonymous", "forged", "foreign", "foreign look", "unknown id", "malformed id", "unknown member",
        "unknown parameter", "server's own member", "unknown path", "other method", "crash", "away",
    ]  # fmt: skip
    status: int
    media_type: str
    body: Any
    detail: str = ""
    is_left_alone: bool = True

    @property
    def is_refusal(self) -> bool:
        """Whether it says no."""
        return self.status >= 400  # noqa: PLR2004  # where refusals begin in HTTP


@dataclass(frozen=True)
class ListPlan:
    """How one parameter or order of a list is served."""

    where: str
    faults: tuple[str, ...]
    plan: str
    indexes: frozenset[str] = frozenset()
    buffers: int | None = None


@dataclass(frozen=True)
class Page:
    """A specification: what it says of itself, and whether its generated block is what the system says."""

    path: str
    status: str
    operations: tuple[str, ...]
    tables: tuple[str, ...]
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
    plans: tuple[ListPlan, ...] = ()
    ddl: tuple[tuple[str, str], ...] = ()
    migrations: tuple[tuple[str, str], ...] = ()
    layers: tuple[tuple[str, str], ...] = ()
    tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: frozenset[str] = frozenset()
    pages: tuple[Page, ...] = ()
    contracts: tuple[tuple[str, bool], ...] = ()
    principles: tuple[tuple[str, tuple[str, ...]], ...] = ()
    records: tuple[tuple[str, str], ...] = ()
    problem_schema: dict[str, Any] = field(default_factory=dict)
    log_leaks: tuple[tuple[str, str], ...] = ()


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
        return [
            whole
            for endpoint in self.subject.api.endpoints
            if (whole := self.design.endpoint(endpoint.name)) is not None
        ]

    def tables(self) -> list[Table]:
        """Give the tables that are judged, each with all it has."""
        return [
            whole for table in self.subject.db.tables if (whole := self.design.table(table.name)) is not None
        ]

    def table_of(self, endpoint: Endpoint) -> Table | None:
        """Give the table an endpoint is about."""
        return self.design.table(endpoint.table)
