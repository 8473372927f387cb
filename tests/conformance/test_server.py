"""The official conformance suite at `/mcp`: the whole application, its sign-in and its database included."""

import re
from pathlib import Path

import pytest

from tests.clients.node import CONFORMANCE, Finished
from tests.conformance.at_mcp import open_mcp
from tests.conformance.stand_ins import add_stand_ins
from tests.factories import Service

HERE = Path(__file__).parent


def known(name: str) -> tuple[str, str]:
    """Have the suite accept what a list says will fail, and refuse the list when one of it passes."""
    return "--expected-failures", str(HERE / f"{name}.yaml")


def required(revision: str) -> list[str]:
    """What counts for a revision, as the suite itself has it written down."""
    listed = CONFORMANCE.read(f"requirements/{revision}.yaml")
    servers = listed.partition("\nserver:\n")[2].partition("\nclient:\n")[0]
    return re.findall(r"^  - (\S+)$", servers, re.MULTILINE)


def summed_up(finished: Finished) -> dict[str, tuple[int, int]]:
    """How many checks of each scenario passed, and how many failed."""
    print(finished.output)  # noqa: T201  # for `make conformance`, and for whoever looks why a test is red
    counts = re.findall(r"^[✓✗] (\S+): (\d+) passed, (\d+) failed", finished.output, re.MULTILINE)
    return {name: (int(passed), int(failed)) for name, passed, failed in counts}


# Clients of the older revision hear from a tool at work; the SDK wants servers to give that up.
@pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")
@pytest.mark.parametrize(("revision", "count", "exceptions"), [("2026-07-28", 37, 0), ("2025-11-25", 30, 5)])
async def test_all_that_a_revision_requires_is_so_but_for_the_written_exceptions(
    service: Service, revision: str, count: int, exceptions: int
) -> None:
    async with open_mcp(service, add_stand_ins) as url:
        finished = await CONFORMANCE.run("server", "--url", url, "--requirements", revision, *known(revision))

    checks = summed_up(finished)
    are_not_so = [name for name in required(revision) if checks[name][1] or not checks[name][0]]
    assert finished.exit_code == 0
    assert (len(required(revision)), len(are_not_so)) == (count, exceptions)


@pytest.mark.parametrize(
    ("revision", "scenario"),
    [
        ("2026-07-28", "server-stateless"),
        ("2026-07-28", "caching"),
        ("2026-07-28", "http-header-validation"),
        ("2025-11-25", "server-initialize"),
    ],
)
async def test_so_is_the_product_as_it_is(service: Service, revision: str, scenario: str) -> None:
    wanted = ("--scenario", scenario, "--spec-version", revision)
    async with open_mcp(service) as url:
        finished = await CONFORMANCE.run("server", "--url", url, *wanted, *known("as_it_is"))

    assert finished.exit_code == 0, finished.output
