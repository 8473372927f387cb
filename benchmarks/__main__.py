"""Measures how fast it is: python -m benchmarks, or `make bench`."""

import argparse
import asyncio
import shutil
import signal
import tempfile
from pathlib import Path

from benchmarks.buffers import buffers
from benchmarks.canned import canned_server
from benchmarks.dataset import tidy_up
from benchmarks.flatness import latencies
from benchmarks.footprint import footprint
from benchmarks.generator import Generator, Plan, generator
from benchmarks.plot import draw
from benchmarks.progress import say
from benchmarks.report import Results, middle, table, write
from benchmarks.requests import HELLO, OURS, Job
from benchmarks.rounds import Round, Rounds, measured, run
from benchmarks.size import Size
from benchmarks.stage import Stage, staged
from benchmarks.workers import by_workers

# Of the peak: so little that two workers leave cores free as well.
_LOW = 0.3
_TURNS_A_ROUND = 4
_RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure everything, print it and write it down."""
    chosen = _parser().parse_args()
    # As Ctrl-C does, so that what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="todo-bench-"))
    try:
        with staged(chosen.size, folder) as stage, generator(stage.crowd) as load:
            results = _measure(stage, load, folder, chosen)
        print(table(results))  # noqa: T201  # this is the program's answer
        file = write(results, chosen.results)
        draw(results, file.with_suffix(".svg"))
        say(f"Written to {file}.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(stage: Stage, load: Generator, folder: Path, chosen: argparse.Namespace) -> Results:
    with canned_server() as address:
        ceiling = load.run(Plan(HELLO, address, Job.HELLO, chosen.seconds)).per_second
    rounds = measured(stage, load, chosen.rounds, chosen.seconds)
    # Half of the peak is no rush, nor the minute after one.
    asyncio.run(tidy_up(stage.product.owner_url))
    open_loop = {job.value: _at_half(stage, load, rounds, job, chosen) for job in (Job.GET, Job.MIX)}
    one_at_a_time = latencies(stage, folder, chosen.rounds, chosen.seconds / 8)
    touched = asyncio.run(buffers(stage))
    low = {job: middle(rounds.of[job][OURS.name]).per_second * _LOW for job in (Job.GET, Job.MIX)}
    workers = by_workers(stage, load, low, chosen.rounds * _TURNS_A_ROUND, chosen.seconds / 2)
    stage.product.stop()
    small = footprint(stage.product)
    return Results(chosen.size, rounds, ceiling, open_loop, one_at_a_time, touched, workers, small)


def _at_half(stage: Stage, load: Generator, rounds: Rounds, job: Job, chosen: argparse.Namespace) -> Round:
    rate = middle(rounds.of[job][OURS.name]).per_second / 2
    say(f"open loop, {job}: {rate:,.0f}/s")
    plan = Plan(OURS, stage.addresses[OURS.name], job, chosen.seconds * 3, rate=rate)
    return middle([run(stage, load, plan)[1] for _ in range(chosen.rounds)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", type=Size.parse, default=Size.parse("1M"), help="how many todos (1M)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender has its turn (5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each turn lasts (4)")
    parser.add_argument("--results", type=Path, default=_RESULTS, help="the folder they are written to")
    return parser


if __name__ == "__main__":
    main()
