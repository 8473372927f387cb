"""The running system as a design, and what was seen of it."""

from dataclasses import dataclass
from typing import Any

from blockbuster import blockbuster_ctx

from todo.architect.case import Evidence, Trace
from todo.architect.catalogue import read_schema
from todo.architect.crowd import multiply
from todo.architect.examine import Call, Examiner, witnessed
from todo.architect.lists import Lists
from todo.architect.model import ApiDesign, AuthDesign, Design, Endpoint, SchemaDesign
from todo.architect.openapi import access_of
from todo.architect.planner import Query, be_strict, explain
from todo.architect.project import claims_of_tokens
from todo.architect.running import Application, running, tools_of
from todo.database.engine import Connection, connect
from todo.database.url import DatabaseUrl

_JUDGED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
_HEAVY = 2


@dataclass(frozen=True)
class Live:
    """What the running system is, what was seen of it, and what it says of itself."""

    design: Design
    evidence: Evidence
    openapi: dict[str, Any]
    tools: list[dict[str, Any]]


async def examine(url: DatabaseUrl, application: Application, *, probing: bool) -> Live:
    """Run the application on a scratch database and look at it; without `probing`, only follow its calls."""
    with witnessed() as witness:
        async with (
            connect(url) as owner,
            running(url, application) as app,
            connect(app.bound_url) as bound,
        ):
            examiner = Examiner(app, witness)
            with blockbuster_ctx("todo", excluded_modules=["todo.architect"]):
                calls = await examiner.calls()
                answers = [answer async for answer in examiner.answers()] if probing else []
            schema = await read_schema(owner)
            people = [call.person for call in calls[:_HEAVY]]
            await multiply(owner, schema, people)
            lists = Lists(examiner, bound, schema, people[0])
            queries = [query async for query in lists.queries()] if probing else []
            tools = await tools_of(app.app)
            traces = [await _trace(examiner, call, bound, schema) for call in calls]
    evidence = Evidence(
        operations=tuple(operation.name for operation in examiner.operations),
        traces=tuple(traces),
        answers=tuple(answers),
        queries=tuple(queries),
        tools=frozenset(tool["name"] for tool in tools),
        claims=claims_of_tokens(),
        problem_schema=examiner.document.problem(),
        log_leaks=tuple(line for line in witness.lines if examiner.mark in line or "eyJ" in line),
    )
    return Live(_design(examiner, traces, schema), evidence, app.app.openapi(), tools)


def _design(examiner: Examiner, traces: list[Trace], schema: SchemaDesign) -> Design:
    endpoints, rules = [], []
    for operation, trace in zip(examiner.operations, traces, strict=True):
        touched = {table for query in trace.queries for table in query.plan.tables}
        described = (operation.method, operation.path, operation.described)
        endpoints.append(examiner.document.endpoint(*described, schema, touched))
        rules.append(access_of(*described, trace.chain))
    endpoints = [_with_table(endpoint, endpoints) for endpoint in endpoints]
    return Design(api=ApiDesign(endpoints=endpoints), db=schema, auth=AuthDesign(rules=rules))


def _with_table(endpoint: Endpoint, others: list[Endpoint]) -> Endpoint:
    """Say of one that neither takes nor gives members what those at its address say."""
    if endpoint.table is not None or not endpoint.is_item:
        return endpoint
    collection = endpoint.path.partition("/{")[0]
    tables = (one.table for one in others if one.path.partition("/{")[0] == collection and one.table)
    return endpoint.model_copy(update={"table": next(tables, None)})


async def _trace(examiner: Examiner, call: Call, bound: Connection, schema: SchemaDesign) -> Trace:
    name, queries = call.operation.name, []
    async with bound.transaction():
        await be_strict(bound, call.person)
        for sql, arguments in dict(call.statements).items():
            verb = sql.split(maxsplit=1)[0]
            plan = await explain(bound, sql, arguments) if verb in _JUDGED else None
            # What the driver asks about types is no part of the operation.
            if plan and not any(table.startswith("pg_") for table in plan.tables):
                queries.append(Query(name, plan, tuple(plan.scans(schema.owners)), verb))
    return Trace(
        name, *examiner.chain(call.operation), call.reply.status_code, tuple(queries), call.blocked_by
    )
