"""Judges a proposal over the running system."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from todo.app import create_app
from todo.architect.case import Case, Evidence
from todo.architect.decisions import Decisions
from todo.architect.dryrun import dry_run
from todo.architect.findings import Clarification, Verdict
from todo.architect.judge import judge, unverified
from todo.architect.live import Live, examine
from todo.architect.merge import merged, with_index_names
from todo.architect.model import Design, FeatureRequest
from todo.architect.running import Application
from todo.architect.scratch import scratch_database, scratch_server
from todo.database.engine import connect
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart


class Bench:
    """The running system on a scratch database, on which designs can be tried one after the other."""

    def __init__(self, url: DatabaseUrl, live: Live, decisions: Decisions) -> None:
        self.url = url
        self.live = live
        self.decisions = decisions

    def questions(self, request: FeatureRequest) -> list[Clarification]:
        """Give what only a person can answer, as far as the words of a request show it."""
        asked, live = Design(request=request), self.live.design
        return judge(Case("verify", asked, live, live, self.decisions, Evidence())).questions

    async def verify(self, design: Design) -> Verdict:
        """Judge a proposal; nothing of it stays."""
        if not design.api.endpoints and not design.db.tables:
            return unverified("The design says nothing: no endpoint and no table.")
        subject, live = with_index_names(design), self.live.design
        whole = merged(live, subject)
        async with connect(self.url) as connection:
            ddl, queries = await dry_run(connection, subject, whole, live)
        seen = self.live.evidence
        # What was seen of the running system is no evidence for what is not built.
        evidence = dataclasses.replace(
            seen, operations=(), traces=(), answers=(), log_leaks=(), ddl=tuple(ddl), queries=tuple(queries)
        )
        verdict = judge(Case("verify", subject, live, whole, self.decisions, evidence))
        return verdict.model_copy(update={"design": design})


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
        yield Bench(url, live, Decisions.of(root or Path()))


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
