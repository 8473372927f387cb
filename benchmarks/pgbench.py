"""The limit: the same statements, said by pgbench."""

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

import asyncpg

from benchmarks.population import Person
from benchmarks.processes import cpu_seconds
from benchmarks.requests import MIX, Job
from benchmarks.scripts import ARGUMENTS, REPEATED
from todo.database.embedded import binaries
from todo.database.roles import APP_GROUP
from todo.database.url import DatabaseUrl

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_DRAWS = 5_000
_PROGRESS = re.compile(r"^progress: [\d.]+ s, ([\d.]+) tps, lat ([\d.]+) ms .* (\d+) failed")
_MOST_REPEATED = max(REPEATED.values())
_MULTIPLE = lcm(*REPEATED.values())
# Connections are made, and statements are planned on each, before anything counts.
_WARM_UP_SECONDS = 2
# Plans are made once for any argument, which is what PostgreSQL comes to by itself on connections that last.
_PLANS = "-c plan_cache_mode=force_generic_plan"


class _Second(NamedTuple):
    """What pgbench did in a second, and the processor's time that was used until its end."""

    per_second: float
    latency_ms: float
    failed: int
    database_seconds: float
    client_seconds: float


@dataclass(frozen=True)
class Limit:
    """How often a second pgbench did the job, how long one took, and the processor's time for it."""

    per_second: float
    latency_seconds: float
    database_us: float
    client_us: float


class PgBench:
    """Runs scripts as the bound role, over as many connections as the load has."""

    def __init__(
        self, url: DatabaseUrl, folder: Path, scripts: dict[Job, str], postgres: Callable[[], list[int]]
    ) -> None:
        self._url = url
        self._folder = folder
        self._postgres = postgres
        for job, text in scripts.items():
            self._file(job).write_text(text, encoding="utf-8")

    def run(self, job: Job, seconds: float, connections: int = 32) -> Limit:
        """Do one job, or the mix, for so long; raises `RuntimeError` when a statement fails."""
        parts = MIX if job is Job.MIX else {job: 1}
        # What is repeated more often is begun more seldom.
        weights = {part: share * _MULTIPLE // REPEATED[part] for part, share in parts.items()}
        jobs_each = sum(REPEATED[part] * weight for part, weight in weights.items()) / sum(weights.values())
        counted = max(1, round(seconds))
        with subprocess.Popen(  # noqa: S603  # our own
            [
                binaries() / "pgbench",
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={connections}",
                "--jobs=1",
                "--progress=1",
                # The last second may end unreported.
                f"--time={_WARM_UP_SECONDS + counted + 1}",
                f"--define=arguments={_DRAWS}",
                *(f"--file={self._file(part)}@{weight}" for part, weight in weights.items()),
                self._url.database,
            ],
            env=os.environ | self._environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            seen, said = self._watch(process)
        seen = seen[_WARM_UP_SECONDS - 1 :][: counted + 1]
        if process.returncode or len(seen) <= counted or any(one.failed for one in seen):
            raise RuntimeError(f"pgbench did not do {job}:\n{said[-2000:]}")
        return _limit(seen, jobs_each)

    def _watch(self, process: "subprocess.Popen[str]") -> tuple[list[_Second], str]:
        """Give what it did in each second, and everything it said."""
        seen: list[_Second] = []
        said = ""
        postgres: list[int] = []
        for line in process.stderr or ():
            said += line
            if match := _PROGRESS.match(line):
                # By now its connections are there, and they stay.
                postgres = postgres or self._postgres()
                used = cpu_seconds(postgres), cpu_seconds([process.pid])
                seen.append(_Second(float(match[1]), float(match[2]), int(match[3]), *used))
        return seen, said

    def _file(self, job: Job) -> Path:
        return self._folder / f"{job}.pgbench"

    def _environment(self) -> dict[str, str]:
        host = parse_qs(urlsplit(str(self._url)).query)["host"][0]
        return {
            "PGHOST": host,
            "PGUSER": self._url.user,
            "PGPASSWORD": self._url.password,
            "PGOPTIONS": _PLANS,
        }


def _limit(seen: Sequence[_Second], jobs_each: float) -> Limit:
    """Give what was done between the end of the first second and that of the last, in jobs."""
    first, *counted = seen
    transactions = sum(second.per_second for second in counted)
    waited = sum(second.per_second * second.latency_ms for second in counted) / transactions
    answers = transactions * jobs_each
    return Limit(
        answers / len(counted),
        waited / 1000 / jobs_each,
        (counted[-1].database_seconds - first.database_seconds) / answers * 1e6,
        (counted[-1].client_seconds - first.client_seconds) / answers * 1e6,
    )


async def draw_arguments(owner: "Connection", people: list[Person]) -> None:
    """Draw people and todos for the scripts, so many rows that they repeat as seldom as the load's do."""
    columns = [f"{name}{turn}" for turn in range(_MOST_REPEATED) for name in ("u", "s", "t")]
    await owner.execute(f"DROP SCHEMA IF EXISTS {ARGUMENTS.split('.')[0]} CASCADE")
    await owner.execute(f"CREATE SCHEMA {ARGUMENTS.split('.')[0]}")
    await owner.execute(
        f"CREATE TABLE {ARGUMENTS} (n int PRIMARY KEY, {', '.join(f'{name} uuid' for name in columns)})"
    )
    sessions = {person.id: person.session_id for person in people}
    rows = await owner.fetch(
        "SELECT user_id, id FROM todos WHERE deleted_at IS NULL AND user_id = ANY ($2)"
        " ORDER BY random() LIMIT $1",
        _DRAWS * _MOST_REPEATED,
        [person.id for person in people],
        timeout=600,
    )
    drawn = [rows[number % len(rows)] for number in range(_DRAWS * _MOST_REPEATED)]
    records = []
    for number in range(_DRAWS):
        record: list[object] = [number + 1]
        for row in drawn[number * _MOST_REPEATED : (number + 1) * _MOST_REPEATED]:
            record += [row["user_id"], sessions[row["user_id"]], row["id"]]
        records.append(tuple(record))
    schema, table = ARGUMENTS.split(".")
    await owner.copy_records_to_table(table, schema_name=schema, records=records, columns=["n", *columns])
    await owner.execute(f"GRANT USAGE ON SCHEMA {schema} TO {APP_GROUP}")
    await owner.execute(f"GRANT SELECT ON {ARGUMENTS} TO {APP_GROUP}")
    await owner.execute(f"VACUUM ANALYZE {ARGUMENTS}")
