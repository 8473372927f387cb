"""The limit: the same statements, said by pgbench."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import asyncpg

from benchmarks.population import Person
from benchmarks.requests import MIX, Job
from benchmarks.scripts import ARGUMENTS, REPEATED
from todo.database.embedded import binaries
from todo.database.roles import APP_GROUP
from todo.database.url import DatabaseUrl

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

_DRAWS = 5_000
_TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([\d.]+) ms", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Limit:
    """How often a second pgbench did the job, and how long one took."""

    per_second: float
    latency_seconds: float


class PgBench:
    """Runs scripts as the bound role, over as many connections as the load has."""

    def __init__(self, url: DatabaseUrl, folder: Path, scripts: dict[Job, str]) -> None:
        self._url = url
        self._folder = folder
        for job, text in scripts.items():
            self._file(job).write_text(text, encoding="utf-8")

    def run(self, job: Job, seconds: float, connections: int = 32) -> Limit:
        """Do one job, or the mix, for so long; raises `RuntimeError` when a statement fails."""
        parts = MIX if job is Job.MIX else {job: 1}
        finished = subprocess.run(  # noqa: S603  # our own
            [
                binaries() / "pgbench",
                "--no-vacuum",
                "--protocol=prepared",
                f"--client={connections}",
                "--jobs=1",
                f"--time={max(1, round(seconds))}",
                f"--define=arguments={_DRAWS}",
                *(f"--file={self._file(part)}@{weight}" for part, weight in parts.items()),
                self._url.database,
            ],
            env=os.environ | self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        said = finished.stdout + finished.stderr
        tps, latency, failed = (found.search(said) for found in (_TPS, _LATENCY, _FAILED))
        if finished.returncode or not tps or not latency or not failed or int(failed[1]):
            raise RuntimeError(f"pgbench did not do {job}:\n{said[-2000:]}")
        return Limit(float(tps[1]) * REPEATED, float(latency[1]) / 1000 / REPEATED)

    def _file(self, job: Job) -> Path:
        return self._folder / f"{job}.pgbench"

    def _environment(self) -> dict[str, str]:
        host = parse_qs(urlsplit(str(self._url)).query)["host"][0]
        return {"PGHOST": host, "PGUSER": self._url.user, "PGPASSWORD": self._url.password}


async def draw_arguments(owner: "Connection", people: list[Person]) -> None:
    """Draw people and todos for the scripts, so many rows that they repeat as seldom as the load's do."""
    columns = [f"{name}{turn}" for turn in range(REPEATED) for name in ("u", "s", "t")]
    await owner.execute(f"DROP SCHEMA IF EXISTS {ARGUMENTS.split('.')[0]} CASCADE")
    await owner.execute(f"CREATE SCHEMA {ARGUMENTS.split('.')[0]}")
    await owner.execute(
        f"CREATE TABLE {ARGUMENTS} (n int PRIMARY KEY, {', '.join(f'{name} uuid' for name in columns)})"
    )
    sessions = {person.id: person.session_id for person in people}
    rows = await owner.fetch(
        "SELECT user_id, id FROM todos WHERE deleted_at IS NULL AND user_id = ANY ($2)"
        " ORDER BY random() LIMIT $1",
        _DRAWS * REPEATED,
        [person.id for person in people],
        timeout=600,
    )
    drawn = [rows[number % len(rows)] for number in range(_DRAWS * REPEATED)]
    records = []
    for number in range(_DRAWS):
        record: list[object] = [number + 1]
        for row in drawn[number * REPEATED : (number + 1) * REPEATED]:
            record += [row["user_id"], sessions[row["user_id"]], row["id"]]
        records.append(tuple(record))
    schema, table = ARGUMENTS.split(".")
    await owner.copy_records_to_table(table, schema_name=schema, records=records, columns=["n", *columns])
    await owner.execute(f"GRANT USAGE ON SCHEMA {schema} TO {APP_GROUP}")
    await owner.execute(f"GRANT SELECT ON {ARGUMENTS} TO {APP_GROUP}")
    await owner.execute(f"VACUUM ANALYZE {ARGUMENTS}")
