"""Judges the running system: everything that was seen of it, and the project around it."""

import dataclasses
from pathlib import Path

from todo.architect.case import Case
from todo.architect.catalogue import read_schema
from todo.architect.findings import Outcome, Verdict
from todo.architect.judge import judge
from todo.architect.live import Live
from todo.architect.model import ApiDesign, Design
from todo.architect.openapi import Document
from todo.architect.project import layer_contracts, migration_steps, records
from todo.architect.running import Application, tools_of, wiring
from todo.architect.scratch import empty_database
from todo.architect.specs import (
    Facts,
    SpecFile,
    contracts_of,
    facts_of,
    is_served,
    pages_of,
    spec_files,
)
from todo.architect.verifying import Bench
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, migrate


async def check(place: Bench, root: Path, server: DatabaseUrl) -> tuple[Verdict, Live]:
    """Judge a system that was set up and probed; its migrations are tried on the server."""
    live = place.live
    refused = [page.path for page in spec_files(root) if not await _holds(page, place)]
    async with empty_database(server) as url:
        steps = await migration_steps(url)
        facts = facts_of(live.openapi, live.tools, url, live.design.db.tables)
    evidence = dataclasses.replace(
        live.evidence,
        migrations=tuple(steps),
        layers=tuple(layer_contracts(root)),
        records=tuple(records(root)),
        pages=tuple(pages_of(root, facts, live.design, refused)),
        contracts=tuple(contracts_of(root, facts)),
    )
    case = Case("check", live.design, live.design, live.design, place.decisions, evidence)
    return judge(case), dataclasses.replace(live, evidence=evidence)


async def _holds(page: SpecFile, place: Bench) -> bool:
    if page.status != "proposed" or page.design is None or is_served(page.design, place.live.design):
        return True
    return (await place.verify(page.design)).outcome is Outcome.VERIFIED


async def system_facts(server: DatabaseUrl, application: Application) -> tuple[Facts, Design]:
    """Ask the system what it is, without judging it and without a trace of what it does."""
    async with empty_database(server) as url:
        async with alone(url) as gate:
            await migrate(url, gate)
        app = application(wiring(url))
        async with connect(url) as connection:
            schema = await read_schema(connection)
        document = Document(app.openapi())
        endpoints = [document.endpoint(*described, schema, set()) for described in document.operations()]
        facts = facts_of(app.openapi(), await tools_of(app), url, schema.tables)
    return facts, Design(api=ApiDesign(endpoints=endpoints), db=schema)
