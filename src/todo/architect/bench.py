"""The running system set up on a scratch database: judged itself, and designs over it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from todo.app import create_app
from todo.architect import specs
from todo.architect.application import Application
from todo.architect.constitution import Constitution
from todo.architect.design import Design, FeatureRequest
from todo.architect.dryrun import dry_run
from todo.architect.live import Live, examine
from todo.architect.project import claims_of_tokens, migration_steps, written
from todo.architect.rules import judge
from todo.architect.rules.rule import Case
from todo.architect.scratch import empty_database, scratch_database, scratch_server
from todo.architect.verdict import Clarification, Outcome, Seen, Verdict, unverified
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart


class Bench:
    """The running system on a scratch database, on which designs can be tried one after the other."""

    def __init__(self, url: DatabaseUrl, live: Live, constitution: Constitution) -> None:
        self.url = url
        self.live = live
        self.constitution = constitution
        self.claims = claims_of_tokens()

    def _case(self, design: Design) -> Case:
        live, tools = self.live, frozenset(tool["name"] for tool in self.live.tools)
        whole = design.over(live.design)
        return Case("verify", design, live.design, whole, self.constitution, live.schema, live.schema,
                    self.claims, tools)  # fmt: skip

    def questions(self, request: FeatureRequest) -> list[Clarification]:
        """Give what only a person can answer, as far as the words of a request show it."""
        return judge(self._case(Design(request=request))).questions

    async def verify(self, design: Design) -> Verdict:
        """Judge a proposal; nothing of it stays."""
        if not design.api.endpoints and not design.db.changes:
            return unverified("The design says nothing: no endpoint and no statement.")
        case = self._case(design)
        schema, seen = await dry_run(self.url, design, case.design, case.before)
        verdict = judge(replace(case, schema=schema, seen=seen))
        return verdict.model_copy(update={"design": design})

    async def check(self, root: Path, server: DatabaseUrl) -> Verdict:
        """Judge the system, which was probed, and its project; its migrations are tried on the server."""
        live, refused = self.live.design, set[Path]()
        for page in specs.pages_of(root):
            is_open = page.design and page.status == "proposed" and not page.is_served(live)
            if is_open and page.design and (await self.verify(page.design)).outcome is not Outcome.VERIFIED:
                refused.add(page.path)
        facts, steps = await self.facts(server)
        pages = specs.judged(root, facts, live, [*self.live.schema], refused)
        seen = [*self.live.seen, *steps, *written(root, self.constitution), *pages]
        return judge(replace(self._case(live), phase="check", seen=seen))

    async def facts(self, server: DatabaseUrl) -> tuple[specs.Facts, list[Seen]]:
        """Give what the system says of itself, and what was seen as its migrations were tried."""
        async with empty_database(server) as url:
            steps = [one async for one in migration_steps(url)]
            return specs.Facts(self.live.openapi, self.live.tools, specs.schema_sql(url)), steps


@asynccontextmanager
async def bench(
    server: DatabaseUrl,
    application: Application = create_app,
    root: Path | None = None,
    *,
    probing: bool = False,
) -> AsyncIterator[Bench]:
    """Set up the running system to try designs on; `probing` asks it what it must refuse as well."""
    constitution = Constitution.of(root or Path())
    async with scratch_database(server) as url:
        yield Bench(url, await examine(url, application, constitution, probing=probing), constitution)


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
