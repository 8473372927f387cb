"""The commands: `todo architect …`."""

import argparse
import asyncio
import importlib
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from todo.app import create_app
from todo.architect.check import check, system_facts
from todo.architect.findings import Outcome, Verdict
from todo.architect.judge import unverified
from todo.architect.report import report
from todo.architect.running import Application
from todo.architect.scratch import scratch_server
from todo.architect.specs import write
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Describe the commands and what each takes."""
    commands = parser.add_subparsers(required=True, metavar="command")

    checking = _command(commands, "check", "examine the running system and judge it", _check)
    checking.add_argument(
        "--app", default="", metavar="MODULE:FACTORY", help="another application to examine"
    )
    checking.add_argument("--traces", action="store_true", help="show each operation from end to end as well")

    _command(commands, "specs", "write the generated parts of specs/ anew", _specs)


def _command(commands: object, name: str, says: str, run: object) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=says)  # type: ignore[attr-defined]
    parser.add_argument("--root", type=Path, default=Path(), help="the project's folder; the current one")
    parser.add_argument("--server", help="a PostgreSQL for scratch databases; without it, one is started")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(command=run)
    return parser


def run(chosen: argparse.Namespace) -> int:
    """Run one command; give the exit code: 0 verified, 1 rejected, 2 needs a decision, 3 unverified."""
    with ExitStack() as stack:
        try:
            server = DatabaseUrl.parse(chosen.server, "--server") if chosen.server else None
            url = server or stack.enter_context(scratch_server())
            return int(chosen.command(chosen, url))
        except CannotStart as error:
            return _told(chosen, unverified(str(error)), ())


def _check(chosen: argparse.Namespace, server: DatabaseUrl) -> int:
    verdict, live = asyncio.run(check(chosen.root.resolve(), server, _application(chosen.app)))
    traces = live.evidence.traces if chosen.traces else ()
    return _told(chosen, verdict, report(verdict, traces))


def _specs(chosen: argparse.Namespace, server: DatabaseUrl) -> int:
    root = chosen.root.resolve()
    written = write(root, asyncio.run(system_facts(server, create_app)))
    _say([f"written: {name}" for name in written] or ["Nothing was out of date."])
    return Outcome.VERIFIED.exit_code


def _application(name: str) -> Application:
    module, _, factory = name.partition(":")
    return getattr(importlib.import_module(module), factory) if module else create_app


def _told(chosen: argparse.Namespace, verdict: Verdict, lines: Iterable[str]) -> int:
    if chosen.json:
        _say([verdict.model_dump_json(indent=2)])
    else:
        _say(list(lines) or list(report(verdict)))
    return verdict.outcome.exit_code


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201  # this is the command's answer
