"""Lets the contenders take turns, round after round, so that whatever else goes on hits all of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.generator import Generator, Plan
from benchmarks.load import BadAnswer, Sample
from benchmarks.processes import cpu_seconds
from benchmarks.progress import say
from benchmarks.requests import HELLO, OURS, PEER, Dialect, Job
from benchmarks.stage import Stage
from todo.database.engine import connect

PGBENCH = "pgbench"
_JOBS = (Job.GET, Job.LIST, Job.CREATE, Job.UPDATE, Job.COMPLETE, Job.MIX)


class LostWrites(Exception):  # as the others
    """The database does not hold what was acknowledged."""


@dataclass
class Round:
    """What one contender did of one job in one round; microseconds are of the processor, per answer."""

    per_second: float
    p50_ms: float
    p99_ms: float
    server_us: float = 0.0
    database_us: float = 0.0
    load_us: float = 0.0


@dataclass
class Rounds:
    """All rounds, by job and contender, in their order."""

    of: dict[Job, dict[str, list[Round]]] = field(default_factory=dict)

    def add(self, job: Job, name: str, result: Round) -> None:
        self.of.setdefault(job, {}).setdefault(name, []).append(result)


def measured(
    stage: Stage, load: Generator, count: int, seconds: float, jobs: Sequence[Job] = _JOBS
) -> Rounds:
    """Run so many rounds of every job; raises when an answer was wrong or a write is not there."""
    rounds = Rounds()
    # What is used the first time is not measured: statements are prepared, pages come into memory.
    for turn in range(count + 1):
        say(f"round {turn} of {count}" if turn else "warming up")
        for job in jobs:
            for dialect in (OURS, PEER):
                address = stage.addresses[dialect.name]
                result = _committed(stage, load, Plan(dialect, address, job, seconds))
                if turn:
                    rounds.add(job, dialect.name, result)
            limit = stage.pgbench.run(job, seconds)
            if turn:
                latency = limit.latency_seconds * 1000
                costs = (limit.database_us, limit.client_us)
                rounds.add(job, PGBENCH, Round(limit.per_second, latency, latency, 0.0, *costs))
        result = run(stage, load, Plan(HELLO, stage.addresses[HELLO.name], Job.HELLO, seconds))[1]
        if turn:
            rounds.add(Job.HELLO, HELLO.name, result)
    return rounds


def _committed(stage: Stage, load: Generator, plan: Plan) -> Round:
    """Run one plan; raises `LostWrites` unless the database holds every write that was acknowledged."""
    before = asyncio.run(_stored(stage, plan.dialect))
    sample, result = run(stage, load, plan)
    stored = asyncio.run(_stored(stage, plan.dialect)) - before
    # Ours records every change; of the peer's, only what was added can be counted.
    acknowledged = sample.writes.total() if plan.dialect is OURS else sample.writes[Job.CREATE]
    if acknowledged != stored:
        raise LostWrites(f"{plan.dialect.name}: {acknowledged:,} writes acknowledged, {stored:,} stored")
    return result


def run(stage: Stage, load: Generator, plan: Plan) -> tuple[Sample, Round]:
    """Run one plan and say what it cost whom."""
    server, database = stage.servers(plan.dialect.name), stage.database
    before = cpu_seconds(server), cpu_seconds(database)
    sample = load.run(plan)
    after = cpu_seconds(server), cpu_seconds(database)
    answers = sample.answered / 1e6
    latencies = sorted(sample.latencies)
    if not latencies:
        raise BadAnswer(f"{plan.dialect.name}, {plan.job}: nothing was answered in {plan.seconds} s")
    return sample, Round(
        sample.per_second,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000,
        server_us=(after[0] - before[0]) / answers,
        database_us=(after[1] - before[1]) / answers,
        load_us=sample.cpu_seconds / answers,
    )


async def _stored(stage: Stage, dialect: Dialect) -> int:
    table = "public.todo_changes" if dialect is OURS else "peer.todo"
    async with connect(stage.product.owner_url) as owner:
        return int(await owner.fetchval(f"SELECT count(*) FROM {table}", timeout=600))  # noqa: S608
