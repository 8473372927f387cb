"""The running system as a design, and what was seen of it."""

import functools
import inspect
import io
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import uuid_utils.compat as uuids
from blockbuster import blockbuster_ctx
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from todo.architect.application import Application, InProcess, Statement, body_of, heard_log, in_process
from todo.architect.constitution import Constitution
from todo.architect.design import ApiDesign, AuthDesign, Design, SchemaDesign
from todo.architect.openapi import Operation
from todo.architect.planner import Plan, be_strict, explain
from todo.architect.probes import probe
from todo.architect.schema import Schema, multiply, opened, reflected, statements_of
from todo.architect.scratch import SECRET
from todo.architect.verdict import Seen
from todo.database.engine import Connection, connect
from todo.database.roles import APP_GROUP, login_of
from todo.database.url import DatabaseUrl

# A question may say who asks before it asks.
_QUESTIONS = ("SELECT", "WITH me ")
_STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
_PAGING = {"limit", "offset"}
_HEAVY = 2
_nothing_blocks = functools.partial(blockbuster_ctx, "todo", excluded_modules=["todo.architect"])


class Trace(NamedTuple):
    """One operation from end to end: what it depends on, what it answers, what it asks of the database."""

    operation: Operation
    person: UUID
    status: int
    statements: Sequence[Statement]
    blocked_by: str
    chain: tuple[str, ...]
    is_async: bool
    plans: Sequence[tuple[str, Plan]] = ()

    @property
    def tables(self) -> set[str]:
        return {table for _, plan in self.plans for table in plan.tables}

    def judged(self, owners: dict[str, str]) -> Iterator[Seen]:
        """Say what the rules have against it."""
        name, blocked = self.operation.name, self.blocked_by
        is_refused = self.status >= HTTPStatus.BAD_REQUEST and not blocked
        fault = f"its owner is answered {self.status}" if is_refused else ""
        yield Seen("LIVE-0", name, fault if self.chain else "no route was found for it")
        is_plain = self.chain and not self.is_async
        fault = "blocks the loop" if blocked else "its handler is no coroutine" if is_plain else ""
        yield Seen("ASYNC-1", name, fault, blocked)
        for _, plan in self.plans:
            yield from (Seen("IDX-1", name, it, str(plan)) for it in [*plan.scans(owners)] or [""])

    def __str__(self) -> str:
        lines = [f"{self.operation.name} -> {self.status}   {' > '.join(self.chain)}"]
        for verb, plan in self.plans:
            by = f" by {', '.join(sorted(plan.indexes))}" if plan.indexes else ""
            lines.append(f"    {verb} {', '.join(sorted(plan.tables))}{by}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Live:
    """What the running system is, what was seen of it, and what it says of itself."""

    design: Design
    schema: Schema
    traces: list[Trace]
    seen: list[Seen]
    openapi: dict[str, Any]
    tools: list[dict[str, Any]]


async def examine(
    url: DatabaseUrl, application: Application, constitution: Constitution, *, probing: bool
) -> Live:
    """Run the application on a scratch database and look at it; without `probing`, only follow its calls."""
    async with AsyncExitStack() as stack:
        log = stack.enter_context(heard_log())
        system = await stack.enter_async_context(in_process(url, application))
        owner = await stack.enter_async_context(connect(url))
        bound = await stack.enter_async_context(connect(login_of(APP_GROUP, url, SECRET)))
        with _nothing_blocks():
            called = [await _called(system, log, operation) for operation in system.operations]
        async with opened(url) as looking:
            schema = await looking.run_sync(reflected)
        await multiply(owner, schema, [one.person for one in called[:_HEAVY]])
        owners = {name: table.info["owner"] for name, table in schema.items() if table.info["owner"]}
        traces = [one._replace(plans=await _plans(bound, one.statements, one.person)) for one in called]
        design = _design(traces, schema)
        seen = [one for trace in traces for one in trace.judged(owners)]
        if probing:
            with _nothing_blocks():
                seen += [one async for one in probe(system, design, constitution)]
            seen += [one async for one in _lists(system, bound, traces[0].person, schema, owners)]
            leaks = [it for it in log.getvalue().splitlines() if system.mark in it or "eyJ" in it]
            held = "holds what a person wrote or signed in with"
            seen += [Seen("AUTH-5", "the log", held if it else "", it) for it in leaks or [""]]
        listed = await system.app.state.mcp.list_tools()
        tools = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
        return Live(design, schema, traces, seen, system.app.openapi(), tools)


async def _called(system: InProcess, log: io.StringIO, operation: Operation) -> Trace:
    """Call an operation as its owner, who is somebody new, with a body of each kind."""
    person = uuid4()
    made = await system.made(operation, person)
    item_id = str(uuids.uuid7()) if operation.method == "PUT" else made
    system.ear.take()
    logged = len(log.getvalue())
    contents = operation.samples(system.mark)
    replies = [await system.send(operation, person, item_id=item_id, content=it) for it in contents]
    blocked = re.search(r"Blocking call to .*", log.getvalue()[logged:])
    status = max(reply.status_code for reply in replies)
    seen = chain(system.app, operation)
    return Trace(operation, person, status, system.ear.take(), blocked[0] if blocked else "", *seen)


def chain(app: FastAPI, operation: Operation) -> tuple[tuple[str, ...], bool]:
    """Give what an operation passes through, and whether its handler is a coroutine."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        is_this = context.path == operation.path and operation.method in (context.methods or ())
        if isinstance(route, APIRoute) and is_this:
            steps = [type(route).__name__, *_steps(context.dependant)]
            handler = inspect.unwrap(route.endpoint)
            is_async = inspect.iscoroutinefunction(handler) or inspect.isasyncgenfunction(handler)
            return tuple(dict.fromkeys(steps)), is_async
    return (), False


def _steps(dependant: Any) -> Iterator[str]:
    for needed in dependant.dependencies:
        yield getattr(needed.call, "__name__", type(needed.call).__name__).strip("_")
        yield from _steps(needed)


def _design(traces: list[Trace], schema: Schema) -> Design:
    endpoints = [trace.operation.endpoint(schema, trace.tables) for trace in traces]
    # One that neither takes nor gives members is about what those at its address are about.
    tables = {one.collection: one.table for one in reversed(endpoints) if one.table}
    for place, one in enumerate(endpoints):
        table = one.table or (tables.get(one.collection) if one.is_item else None)
        endpoints[place] = one.model_copy(update={"table": table})
    return Design(
        api=ApiDesign(endpoints=endpoints),
        db=SchemaDesign(changes=statements_of(schema)),
        auth=AuthDesign(rules=[trace.operation.access() for trace in traces]),
    )


async def _plans(
    bound: Connection, heard: Sequence[Statement], person: UUID, *, run: bool = False
) -> list[tuple[str, Plan]]:
    """Give the verb and the plan of each statement; of questions only, where they are run."""
    plans = []
    async with bound.transaction():
        await be_strict(bound, person)
        for sql, arguments in dict(heard).items():
            # What this role may not look into, or that names what is not there, has no plan.
            with suppress(asyncpg.SyntaxOrAccessError, asyncpg.DataError):
                if sql.lstrip().startswith(_QUESTIONS if run else _STATEMENTS):
                    plan = await explain(bound, sql, arguments, run=run)
                    plans.append((sql.split(maxsplit=1)[0], plan))
    # What the driver asks about types is no part of the operation.
    return [(verb, plan) for verb, plan in plans if not any(it.startswith("pg_") for it in plan.tables)]


async def _lists(
    system: InProcess, bound: Connection, person: UUID, schema: Schema, owners: dict[str, str]
) -> AsyncIterator[Seen]:
    """Call each list in every way there is to ask for it, and say how the planner serves it."""
    columns = {name: {*it.columns.keys()} - {it.info["owner"]} for name, it in schema.items()}
    for operation in system.operations:
        if operation.method != "GET" or operation.collection is not None or operation.is_public:
            continue
        first = body_of(await system.send(operation, person))
        for said, query in _ways_to_ask(operation, first, system.mark):
            system.ear.take()
            reply = await system.send(operation, person, query=query)
            heard = [] if reply.is_error else system.ear.take()
            plans = [plan for _, plan in await _plans(bound, heard, person, run=True)]
            # A count reads what it counts; what is judged is the rows that are shown, or the page of them.
            parts = [part for plan in plans for part in plan.pages() or [plan] if part.gives_rows]
            for plan in (part for part in parts if part.tables & set(owners)):
                asked = {name for table in plan.tables for name in columns.get(table, ())}
                faults = [*plan.scans(owners), *plan.sorts()] or [*plan.thrown_away(asked)]
                for one in plan.judged(f"{operation.name} {said}", faults):
                    yield one


def _ways_to_ask(
    operation: Operation, first: dict[str, Any], mark: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Ask plainly, then with each value of each parameter; `first` is what was answered plainly."""
    yield "plain", {}
    # What a page says about going on is a value as good as any.
    told = [it for key, it in {**first, **first.get("page", {})}.items() if it and key.startswith("next")]
    for name in sorted(set(operation.query) - _PAGING):
        values = operation.values(name, mark)
        for value in [*values, *(told if mark in values else ())]:
            yield f"{name}={'…' if mark in values else value}", {name: value}
