"""The running system set up on a scratch database: judged itself, and designs over it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from todo.app import create_app
from todo.architect.catalogue import opened, read_schema, statements_of
from todo.architect.constitution import Constitution
from todo.architect.design import ApiDesign, Design, FeatureRequest, SchemaDesign, laid_over
from todo.architect.dryrun import dry_run
from todo.architect.evidence import Case, Evidence
from todo.architect.in_process import Application, tools_of, wiring
from todo.architect.judge import judge
from todo.architect.live import Live, examine
from todo.architect.openapi import operations_of
from todo.architect.project import layer_contracts, migration_steps, records
from todo.architect.scratch import empty_database, scratch_database, scratch_server
from todo.architect.specs import Facts, contracts_of, is_served, pages_of, schema_sql, spec_files
from todo.architect.verdict import Clarification, Outcome, Verdict, unverified
from todo.database.url import DatabaseUrl
from todo.migrations.runner import alone, migrate
from todo.problems import CannotStart


class Bench:
    """The running system on a scratch database, on which designs can be tried one after the other."""

    def __init__(self, url: DatabaseUrl, live: Live, constitution: Constitution) -> None:
        self.url = url
        self.live = live
        self.constitution = constitution

    def questions(self, request: FeatureRequest) -> list[Clarification]:
        """Give what only a person can answer, as far as the words of a request show it."""
        asked, live, schema = Design(request=request), self.live.design, self.live.schema
        case = Case("verify", asked, live, live, self.constitution, Evidence(), schema, schema)
        return judge(case).questions

    async def verify(self, design: Design) -> Verdict:
        """Judge a proposal; nothing of it stays."""
        if not design.api.endpoints and not design.db.changes:
            return unverified("The design says nothing: no endpoint and no statement.")
        live, before, seen = self.live.design, self.live.schema, self.live.evidence
        whole = laid_over(live, design)
        schema, evidence = await dry_run(self.url, design, whole, before)
        # Nothing else that was seen of the running system is evidence for what is not built.
        evidence = evidence._replace(tools=seen.tools, claims=seen.claims)
        case = Case("verify", design, live, whole, self.constitution, evidence, before, schema)
        return judge(case).model_copy(update={"design": design})

    async def check(self, root: Path, server: DatabaseUrl) -> Verdict:
        """Judge the system, which was probed, and its project; its migrations are tried on the server."""
        live = self.live.design
        refused = [
            page.path
            for page in spec_files(root)
            if page.status == "proposed"
            and page.design
            and not is_served(page.design, live)
            and (await self.verify(page.design)).outcome is not Outcome.VERIFIED
        ]
        async with empty_database(server) as url:
            steps = await migration_steps(url)
            facts = Facts(self.live.openapi, self.live.tools, schema_sql(url))
        looked = {
            **self.live.evidence.looked,
            "DRY-2": steps,
            "LAYER-1": layer_contracts(root),
            "DOC-2": records(root),
            "SPEC-3": contracts_of(root, facts),
        }
        pages = tuple(pages_of(root, facts, live, refused))
        evidence = self.live.evidence._replace(pages=pages, looked=looked)
        schema = self.live.schema
        return judge(Case("check", live, live, live, self.constitution, evidence, schema, schema))


@asynccontextmanager
async def bench(
    server: DatabaseUrl,
    application: Application = create_app,
    root: Path | None = None,
    *,
    probing: bool = False,
) -> AsyncIterator[Bench]:
    """Set up the running system to try designs on; `probing` asks it what it must refuse as well."""
    async with scratch_database(server) as url:
        live = await examine(url, application, probing=probing)
        yield Bench(url, live, Constitution.of(root or Path()))


async def verify(design: Design, *, server: DatabaseUrl | None = None, root: Path | None = None) -> Verdict:
    """Judge a proposal over the running system; without a server, one is started for the while."""
    try:
        if server is None:
            with scratch_server() as own:
                return await verify(design, server=own, root=root)
        async with bench(server, root=root) as place:
            return await place.verify(design)
    except CannotStart as error:
        return unverified(str(error))


async def system_facts(server: DatabaseUrl, application: Application) -> tuple[Facts, Design]:
    """Ask the system what it is, without judging it and without a trace of what it does."""
    async with empty_database(server) as url:
        async with alone(url) as gate:
            await migrate(url, gate)
        async with opened(url) as looking:
            schema = await read_schema(looking)
        app = application(wiring(url))
        document = app.openapi()
        endpoints = [operation.endpoint(schema, set()) for operation in operations_of(document)]
        facts = Facts(document, await tools_of(app), schema_sql(url))
    db = SchemaDesign(changes=statements_of(schema))
    return facts, Design(api=ApiDesign(endpoints=endpoints), db=db)
