"""The process that makes the load, so that it shares nothing with what it measures but the machine."""

import gc
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

from benchmarks.crowd import Crowd
from benchmarks.load import BadAnswer, Load, Sample
from benchmarks.requests import Dialect, Job, Requests


@dataclass(frozen=True)
class Plan:
    """One run: whom to ask for what, how long, and how hard; without a rate, as fast as it is answered."""

    dialect: Dialect
    address: tuple[str, int]
    job: Job
    seconds: float
    warm_up: float = 0.5
    connections: int = 32
    rate: float | None = None


class Generator:
    """Runs plans in its own process."""

    def __init__(self, pipe: "Connection[object, object]", pid: int) -> None:
        self._pipe = pipe
        self.pid = pid

    def run(self, plan: Plan) -> Sample:
        """Run one; raises `BadAnswer`."""
        self._pipe.send(plan)
        outcome = self._pipe.recv()
        if isinstance(outcome, Sample):
            return outcome
        raise BadAnswer(f"{plan.dialect.name}, {plan.job}: {outcome}")


@contextmanager
def generator(crowd: Crowd) -> Iterator[Generator]:
    """Start the process, and end it with the block."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_generate, args=(there, crowd), daemon=True)
    process.start()
    there.close()
    try:
        yield Generator(here, process.pid or 0)
    finally:
        here.close()
        process.join(10)
        process.kill()


def _generate(pipe: "Connection[object, object]", crowd: Crowd) -> None:
    gc.freeze()
    gc.disable()
    requests: dict[str, Requests] = {}
    while True:
        try:
            plan = pipe.recv()
        except EOFError:
            return
        if not isinstance(plan, Plan):
            raise TypeError(plan)
        makers = requests.setdefault(plan.dialect.name, Requests(crowd, plan.dialect))
        try:
            pipe.send(_run(plan, makers))
        except (BadAnswer, OSError) as error:
            pipe.send(f"{type(error).__name__}: {error}")


def _run(plan: Plan, makers: Requests) -> Sample:
    load, asked = Load(plan.address, plan.dialect.tag), makers.of(plan.job)
    if plan.rate is None:
        return load.closed(asked, plan.connections, plan.seconds, plan.warm_up)
    return load.open(asked, plan.rate, plan.seconds, plan.warm_up)
