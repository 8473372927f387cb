"""The running system as a design, and what was seen of it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
from blockbuster import blockbuster_ctx

from todo.architect.catalogue import Schema, opened, read_schema, statements_of
from todo.architect.design import ApiDesign, AuthDesign, Design, SchemaDesign
from todo.architect.evidence import Evidence, Looked, Query, Trace
from todo.architect.in_process import Application, Statement, in_process, tools_of
from todo.architect.openapi import Operation
from todo.architect.planner import Plan, be_strict, explain
from todo.architect.probes import Call, Prober, body_of, witnessed
from todo.architect.project import claims_of_tokens
from todo.architect.rows import multiply
from todo.architect.scratch import SECRET
from todo.database.engine import Connection, connect
from todo.database.roles import APP_GROUP, login_of
from todo.database.url import DatabaseUrl

# A question may say who asks before it asks.
_QUESTIONS = ("SELECT", "WITH me ")
_STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
_PAGING = {"limit", "offset"}
_HEAVY = 2


@dataclass(frozen=True)
class Live:
    """What the running system is, what was seen of it, and what it says of itself."""

    design: Design
    schema: Schema
    evidence: Evidence
    openapi: dict[str, Any]
    tools: list[dict[str, Any]]


async def examine(url: DatabaseUrl, application: Application, *, probing: bool) -> Live:
    """Run the application on a scratch database and look at it; without `probing`, only follow its calls."""
    with witnessed() as witness:
        async with (
            connect(url) as owner,
            in_process(url, application) as system,
            connect(login_of(APP_GROUP, url, SECRET)) as bound,
        ):
            prober = Prober(system, witness)
            with blockbuster_ctx("todo", excluded_modules=["todo.architect"]):
                calls = await prober.calls()
                answers = [answer async for answer in prober.answers()] if probing else []
            async with opened(url) as looking:
                schema = await read_schema(looking)
            people = [call.person for call in calls[:_HEAVY]]
            await multiply(owner, schema, people)
            asked = _Plans(prober, bound, schema)
            queries = [query async for query in asked.lists(people[0])] if probing else []
            traces = [await asked.trace(call) for call in calls]
            tools = await tools_of(system.app)
    leaked = (line for line in witness.lines if prober.mark in line or "eyJ" in line)
    leaks = [Looked("the log", "holds what a person wrote or signed in with", line) for line in leaked]
    evidence = Evidence(
        traces=tuple(traces),
        answers=tuple(answers),
        queries=tuple(queries),
        tools=frozenset(tool["name"] for tool in tools),
        claims=claims_of_tokens(),
        looked={"AUTH-5": leaks},
    )
    return Live(_design(calls, traces, schema), schema, evidence, system.app.openapi(), tools)


def _design(calls: list[Call], traces: list[Trace], schema: Schema) -> Design:
    endpoints, rules = [], [call.operation.access() for call in calls]
    for call, trace in zip(calls, traces, strict=True):
        touched = {table for query in trace.queries for table in query.plan.tables}
        endpoints.append(call.operation.endpoint(schema, touched))
    # One that neither takes nor gives members is about what those at its address are about.
    tables = {one.collection: one.table for one in reversed(endpoints) if one.table}
    endpoints = [
        one.model_copy(update={"table": one.table or (one.is_item and tables.get(one.collection)) or None})
        for one in endpoints
    ]
    db = SchemaDesign(changes=statements_of(schema))
    return Design(api=ApiDesign(endpoints=endpoints), db=db, auth=AuthDesign(rules=rules))


class _Plans:
    """How what the application was heard to ask is served, by the planner's word."""

    def __init__(self, prober: Prober, bound: Connection, schema: Schema) -> None:
        self._prober = prober
        self._bound = bound
        self._owners = {name: table.info["owner"] for name, table in schema.items() if table.info["owner"]}
        self._columns = {
            name: set(table.columns.keys()) - {table.info["owner"]} for name, table in schema.items()
        }

    async def trace(self, call: Call) -> Trace:
        """Follow one operation to the tables and indexes it uses."""
        queries = [
            Query(call.operation.name, plan, tuple(plan.scans(self._owners)), verb)
            for verb, plan in await self._plans(call.statements, call.person, _STATEMENTS)
            # What the driver asks about types is no part of the operation.
            if not any(table.startswith("pg_") for table in plan.tables)
        ]
        seen = self._prober.chain(call.operation)
        return Trace(call.operation.name, *seen, call.status, tuple(queries), call.blocked_by)

    async def lists(self, person: UUID) -> AsyncIterator[Query]:
        """Call each list plainly, then with each value of each parameter."""
        mark = self._prober.mark
        for operation in self._prober.operations:
            if operation.method != "GET" or operation.collection is not None or operation.is_public:
                continue
            reply, plans = await self._asked(operation, person, {})
            asked = [("plain", plan) for plan in plans]
            for name in sorted(set(operation.query) - _PAGING):
                values = operation.values(name, mark)
                # What a page says about going on is a value as good as any.
                for value in [*values, *(_tokens(reply) if mark in values else ())]:
                    shown = f"{name}={'…' if mark in values else value}"
                    _, plans = await self._asked(operation, person, {name: value})
                    asked += [(shown, plan) for plan in plans]
            for shown, plan in asked:
                faults = [*plan.scans(self._owners), *plan.sorts()] or plan.reads_by(self._columns_of(plan))
                yield Query(f"{operation.name} {shown}", plan, tuple(faults))

    async def _asked(
        self, operation: Operation, person: UUID, query: dict[str, Any]
    ) -> tuple[httpx2.Response, list[Plan]]:
        reply, heard = await self._prober.ask(operation, person, query)
        plans = [plan for _, plan in await self._plans(heard, person, _QUESTIONS, run=True)]
        parts = [part for plan in plans for part in plan.pages() or [plan]]
        # A count reads what it counts; what is judged is the rows that are shown, or the page of them.
        shown = [plan for plan in parts if plan.tables & set(self._owners) and plan.gives_rows]
        return reply, [] if reply.is_error else shown

    async def _plans(
        self, heard: Iterable[Statement], person: UUID, beginnings: tuple[str, ...], *, run: bool = False
    ) -> list[tuple[str, Plan]]:
        plans = []
        async with self._bound.transaction():
            await be_strict(self._bound, person)
            for sql, arguments in dict(heard).items():
                # What this role may not look into, or that names what is not there, has no plan.
                with suppress(asyncpg.SyntaxOrAccessError, asyncpg.DataError):
                    if sql.lstrip().startswith(beginnings):
                        plan = await explain(self._bound, sql, arguments, run=run)
                        plans.append((sql.split(maxsplit=1)[0], plan))
        return plans

    def _columns_of(self, plan: Plan) -> set[str]:
        return set().union(*(self._columns.get(table, ()) for table in plan.tables))


def _tokens(reply: httpx2.Response) -> list[str]:
    body = body_of(reply)
    members = {**body, **body.get("page", {})} if isinstance(body, dict) else {}
    return [str(value) for name, value in members.items() if name.startswith("next") and value]
