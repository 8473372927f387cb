"""Transactions as spans of a trace; needs the extra `otel`, so it is loaded only where traces are wanted."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from opentelemetry.trace import SpanKind, StatusCode, Tracer

from todo.database.transaction import Database, Transaction
from todo.database.wire import Row
from todo.problems import Problem


class TracedDatabase(Database):
    """A database whose transactions show in a trace: how long and how they ended, and no value."""

    def __init__(self, tracer: Tracer, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._tracer = tracer

    @asynccontextmanager
    async def transaction(self, *arguments: Any, **options: Any) -> AsyncIterator[Transaction]:
        """Open a transaction as `Database` does, within a span."""
        name = "read transaction" if options.get("read_only") else "write transaction"
        with self._span(name):
            async with super().transaction(*arguments, **options) as transaction:
                yield transaction

    async def look(self, *arguments: Any) -> Row | None:
        """Ask one thing as `Database` does, within a span."""
        if self._reads is None:
            return await super().look(*arguments)  # which opens a transaction
        with self._span("read transaction"):
            return await super().look(*arguments)

    async def strike(self, *arguments: Any) -> Row | None:
        """Write by one statement as `Database` does, within a span."""
        if self._writes is None:
            return await super().strike(*arguments)  # which opens a transaction
        with self._span("write transaction"):
            return await super().strike(*arguments)

    @contextmanager
    def _span(self, name: str) -> Iterator[None]:
        with self._tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT,
            attributes={"db.system.name": "postgresql"},
            # Messages of the database quote rows.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Exception as error:
                if not isinstance(error, Problem) or error.status >= Problem.status:
                    span.set_attribute("error.type", type(error).__qualname__)
                    span.set_status(StatusCode.ERROR)
                raise
