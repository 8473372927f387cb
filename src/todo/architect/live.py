"""The running system as a design, and what was seen of it."""

from dataclasses import dataclass
from typing import Any

from todo.architect.case import Evidence, Query, Trace
from todo.architect.catalogue import read_schema
from todo.architect.crowd import multiply
from todo.architect.examine import Call, Examiner, witnessed
from todo.architect.lists import Lists, explained
from todo.architect.model import ApiDesign, AuthDesign, Design, Endpoint, SchemaDesign
from todo.architect.openapi import access_of
from todo.architect.planner import be_strict
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


async def examine(url: DatabaseUrl, application: Application, *, probing: bool = True) -> Live:
    """Run the application on a scratch database and look at it; without `probing`, only follow its calls."""
    async with (
        connect(url) as owner,
        running(url, application) as app,
        connect(app.bound_url) as bound,
    ):
        with witnessed() as witness:
            examiner = Examiner(app, witness)
            calls = await examiner.calls()
            answers = [answer async for answer in examiner.answers()] if probing else []
            schema = await read_schema(owner)
            leaks = [("the log", line) for line in witness.lines if examiner.mark in line or "eyJ" in line]
            people = [call.person for call in calls[:_HEAVY]]
            await multiply(owner, schema, people)
            plans = await Lists(examiner, bound, schema, people[0]).plans() if probing else []
        tools = await tools_of(app.app)
        traces = [await _trace(examiner, call, bound, schema) for call in calls]
        return Live(
            _design(examiner, traces, schema),
            Evidence(
                operations=tuple(operation.name for operation in examiner.operations),
                traces=tuple(traces),
                answers=tuple(answers),
                plans=tuple(plans),
                tools={tool["name"]: tool["inputSchema"] for tool in tools},
                claims=claims_of_tokens(),
                problem_schema=examiner.document.problem(),
                log_leaks=tuple(leaks),
            ),
            app.app.openapi(),
            tools,
        )


def _design(examiner: Examiner, traces: list[Trace], schema: SchemaDesign) -> Design:
    by_name = {trace.operation: trace for trace in traces}
    endpoints = [
        examiner.document.endpoint(
            operation.method,
            operation.path,
            operation.described,
            schema,
            {table for query in by_name[operation.name].queries for table in query.tables},
        )
        for operation in examiner.operations
    ]
    rules = [
        access_of(one.method, one.path, one.described, by_name[one.name].chain) for one in examiner.operations
    ]
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
    queries = []
    async with bound.transaction():
        await be_strict(bound)
        await bound.execute(f"SET LOCAL app.user_id = '{call.person}'")
        for sql, arguments in dict(call.statements).items():
            if sql.lstrip().startswith(_JUDGED):
                plan = await explained(bound, sql, arguments)
                if plan is not None:
                    faults = tuple(plan.scans(schema.owners))
                    queries.append(Query(sql, plan.tables, plan.indexes, faults, str(plan)))
    chain, is_async = examiner.chain(call.operation)
    return Trace(call.operation.name, chain, is_async, call.reply.status, tuple(queries), call.blocked_by)
