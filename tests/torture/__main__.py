"""Tortures the product for some minutes and says what it withstood: python -m tests.torture."""

import argparse
import asyncio
import inspect
import json
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from tests.torture.bench import Bench
from tests.torture.bodies import bodies
from tests.torture.controls import controls
from tests.torture.drain import drain
from tests.torture.feed import feed
from tests.torture.figures import Results, none, table
from tests.torture.kills import kills
from tests.torture.migrations import migrations
from tests.torture.pool import pool
from tests.torture.retries import retries
from tests.torture.slow import slow
from tests.torture.soak import soak

Experiment = Callable[[Bench], Awaitable[Results]]
_EXPERIMENTS: tuple[Experiment, ...] = (kills, controls, feed, retries, bodies, slow, pool, drain, migrations)
_BY_NAME = {experiment.__name__: experiment for experiment in _EXPERIMENTS}


def main() -> None:
    """Run the experiments; the exit code is 1 if a promise was broken."""
    chosen = _parser().parse_args()
    # As Ctrl-C does, so that what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="todo-torture-"))
    bench = Bench(folder, is_quick=chosen.quick, soak_minutes=chosen.soak)
    experiments = [soak] if chosen.soak else [_BY_NAME[name] for name in chosen.only or _BY_NAME]
    results = asyncio.run(_run(bench, experiments))

    print(table(results))  # noqa: T201  # this is the program's answer
    if chosen.json:
        chosen.json.write_text(_as_json(results), encoding="utf-8")
    if not all(figure.holds for figures in results.values() for figure in figures):
        sys.exit(f"A promise was broken. What the products said is in {folder}.")
    shutil.rmtree(folder)


def _parser() -> argparse.ArgumentParser:
    descriptions = [f"{name}: {_first_line(experiment)}" for name, experiment in _BY_NAME.items()]
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture",
        description="Tortures the running product, and compares what it does with what it promises.",
        epilog="\n".join(["experiments:", *descriptions]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=_BY_NAME, help="run this one; may be repeated")
    parser.add_argument("--quick", action="store_true", help="try less hard; too little to prove anything")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument(
        "--soak", type=float, metavar="MINUTES", default=0.0, help="run instead at half load for so long"
    )
    return parser


async def _run(bench: Bench, experiments: Iterable[Experiment]) -> Results:
    bench.tell("making an installation")
    bench.install()
    results: Results = {}
    for experiment in experiments:
        bench.tell(f"{experiment.__name__}: {_first_line(experiment)}")
        try:
            results |= await experiment(bench)
        except Exception:  # noqa: BLE001  # the other experiments say something all the same
            traceback.print_exc()
            results[experiment.__name__] = [none("experiments that did not come to their end", 1)]
    bench.tell("done")
    return results


def _first_line(experiment: Experiment) -> str:
    return (inspect.getdoc(experiment) or "").partition("\n")[0]


def _as_json(results: Results) -> str:
    figures = {name: [asdict(figure) for figure in figures] for name, figures in results.items()}
    return json.dumps(figures, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
