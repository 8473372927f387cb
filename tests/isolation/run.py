"""Runs histories of three people against the model: `python -m tests.isolation.run --help`."""

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

import todo
from tests.factories import Issuer, Service, run_service
from tests.isolation.judge import ForeignDataSeen
from tests.isolation.machine import PeopleApart
from todo.database.embedded import EmbeddedPostgres
from todo.database.roles import refuse_unbound_role
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

_TELL_EVERY = 25


class Verdict(IntEnum):
    """How a run ended; also the exit code."""

    AS_EXPECTED = 0
    CONTRADICTED = 3
    FOREIGN_DATA_SEEN = 4
    REFUSED_TO_START = 5


@contextmanager
def service_aside(server: DatabaseUrl, issuer: Issuer) -> Iterator[tuple[BlockingPortal, Service]]:
    """The application on a new database, in an event loop of another thread: histories are not async."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(run_service(server, issuer)) as service,
    ):
        yield portal, service


def run_histories(  # noqa: PLR0913  # what makes a run
    portal: BlockingPortal,
    service: Service,
    *,
    histories: int,
    steps: int,
    number: int,
    shrinks: bool = True,
    tells: bool = False,
) -> None:
    """Run so many histories of so many steps; raises what went wrong in the first that fails, made short."""
    began_at, begun = time.monotonic(), 0

    @seed(number)
    def history() -> PeopleApart:
        nonlocal begun
        if tells and begun and begun % _TELL_EVERY == 0:
            _tell(f"{begun} histories, {time.monotonic() - began_at:.0f} s")
        begun += 1
        return PeopleApart(portal, service)

    run_state_machine_as_test(
        history,  # type: ignore[arg-type]  # anything that gives a machine, says its documentation
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate, *([Phase.shrink] if shrinks else [])],
            verbosity=Verbosity.normal if shrinks else Verbosity.quiet,
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def main() -> Verdict:
    """Read what is asked, do it, and say how it ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.isolation.run", description=__doc__)
    parser.add_argument("--histories", type=int, default=500)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="the same histories again")
    parser.add_argument("--server", help="a PostgreSQL that is running; otherwise one is started")
    parser.add_argument("--source", type=Path, help="the folder that `todo` must have been imported from")
    parser.add_argument("--unbound", action="store_true", help="serve even if row-level security is void")
    parser.add_argument(
        "--brief", action="store_true", help="say in a line what goes wrong, if anything does"
    )
    asked = parser.parse_args()
    if asked.source and Path(todo.__file__).parent.parent != asked.source:
        parser.error(f"todo was imported from {todo.__file__}")
    with ExitStack() as stack:
        server = DatabaseUrl.parse(asked.server) if asked.server else stack.enter_context(_new_server())
        portal, service = stack.enter_context(service_aside(server, stack.enter_context(Issuer.running())))
        _tell(f"{asked.histories} histories of {asked.steps} steps, --seed {asked.seed}")
        try:
            if not asked.unbound:
                asyncio.run(refuse_unbound_role(DatabaseUrl.parse(service.wiring.database_url)))
            run_histories(
                portal,
                service,
                histories=asked.histories,
                steps=asked.steps,
                number=asked.seed,
                shrinks=not asked.brief,
                tells=not asked.brief,
            )
        except CannotStart as error:
            _tell(f"it does not start: {error}")
            return Verdict.REFUSED_TO_START
        except Exception as error:
            if not asked.brief:
                raise
            _tell(f"{type(error).__name__}: {error}")
            is_leak = isinstance(error, ForeignDataSeen)
            return Verdict.FOREIGN_DATA_SEEN if is_leak else Verdict.CONTRADICTED
    _tell("nobody was answered anything else than the model says")
    return Verdict.AS_EXPECTED


@contextmanager
def _new_server() -> Iterator[DatabaseUrl]:
    with TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "postgres").running() as server:
        yield server


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # this is the program's voice


if __name__ == "__main__":
    sys.exit(main())
