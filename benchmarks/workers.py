"""Whether two workers cost more than one: both on the same database, asked in turns."""

from collections.abc import Mapping
from contextlib import closing
from statistics import median

from benchmarks.generator import Generator, Plan
from benchmarks.processes import cpu_seconds
from benchmarks.progress import say
from benchmarks.requests import OURS, Job
from benchmarks.stage import Stage, start
from tests.e2e.product import Product


def by_workers(
    stage: Stage, load: Generator, rates: Mapping[Job, float], turns: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Give the API's microseconds per request with one worker and with two, each worker at the same rate.

    A worker takes up what has come together, so the more it has to do, the less each request costs:
    two that share what one does would do it in twice as many goes. As fast as they can, they would
    compete for cores.
    """
    one, several = stage.product, Product(stage.product.folder.with_name("several"))
    with closing(several):
        # As one more host of the same service: the same secret, so the same roles and tokens.
        host = {"TODO_DATABASE_URL": str(one.owner_url), "TODO_SECRET": one.secret, "TODO_ORIGIN": one.origin}
        start(several, TODO_WORKERS="2", **host)
        seen: dict[Job, dict[str, list[float]]] = {job: {"1": [], "2": []} for job in rates}
        for turn in range(turns + 1):
            say(f"workers: turn {turn} of {turns}" if turn else "workers: warming up")
            for job, rate in rates.items():
                # Who is first in one turn is last in the next.
                for name, product in sorted({"1": one, "2": several}.items(), reverse=bool(turn % 2)):
                    cost = _cost(product, load, job, rate * int(name), seconds)
                    if turn:
                        seen[job][name].append(cost)
    return {
        job.value: {f"{name} workers": median(costs) for name, costs in theirs.items()}
        for job, theirs in seen.items()
    }


def _cost(product: Product, load: Generator, job: Job, rate: float, seconds: float) -> float:
    pids = [process.pid for process in product.takers()]
    before = cpu_seconds(pids)
    plan = Plan(OURS, ("127.0.0.1", product.port), job, seconds, rate=rate)
    answered = load.run(plan).answered
    return (cpu_seconds(pids) - before) / answered * 1e6
