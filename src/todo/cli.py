"""The `todo` command."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from pydantic import ValidationError

from todo.problems import CannotStart
from todo.serve.product import serve
from todo.serve.workers import configure_logging
from todo.settings import Settings


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; a foreseen failure is one sentence and exit code 1."""
    chosen = _parser().parse_args(arguments)
    configure_logging()
    try:
        chosen.run(Settings(), chosen)
    except ValidationError as error:
        sys.exit("\n".join(_setting_error(item["loc"], item["msg"]) for item in error.errors()))
    except CannotStart as error:
        sys.exit(f"todo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="todo", description="One backend for a person's todos.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=version("todo-evolution"))
    commands = parser.add_subparsers(required=True, metavar="command")

    serving = commands.add_parser("serve", help="run everything: database, sign-in, API")
    serving.set_defaults(run=lambda settings, _: serve(settings))
    return parser


def _setting_error(location: Sequence[object], message: str) -> str:
    name = "TODO_" + "_".join(str(part) for part in location).upper() if location else "Settings"
    return f"todo: {name}: {message.removeprefix('Value error, ')}"


_EPILOG = "Settings are environment variables that start with TODO_; README.md lists them."
