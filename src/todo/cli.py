"""The `todo` command.

Each command loads what it needs: all there is takes longer than most of them do.
"""

import argparse
import asyncio
import gc
import getpass
import json
import logging
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from todo.problems import CannotStart
from todo.serve.agent_clients import CLIENTS, EVERY_CLIENT
from todo.serve.logs import VOICE, configure_logging
from todo.serve.stop import StopRequest
from todo.settings import Settings

_EPILOG = "Settings are environment variables that start with TODO_; docs/settings.md lists them."
_INTERRUPTED = 130
_NEW_OBJECTS_PER_COLLECTION = 10_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; a foreseen failure is one sentence on standard error and exit code 1."""
    # What is loaded stays: to look through it as often as usual is a sixth of a start.
    gc.set_threshold(_NEW_OBJECTS_PER_COLLECTION)
    chosen = _parser().parse_args(arguments)
    # As Ctrl-C does, so that what was started for a command is stopped with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit("\n".join(_setting_error(item["loc"], item["msg"]) for item in error.errors()))
    configure_logging(settings)
    try:
        chosen.run(settings, chosen)
    except CannotStart as error:
        logging.getLogger(VOICE).critical("todo: %s", error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="todo", description="One backend for a person's todos.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=version("todo-evolution"))
    commands = parser.add_subparsers(required=True, metavar="command")

    serving = commands.add_parser("serve", help="run everything: database, sign-in, API")
    serving.set_defaults(run=_serve)

    migrating = commands.add_parser("migrate", help="bring the database to the schema this version needs")
    how = migrating.add_mutually_exclusive_group()
    how.add_argument("--to", metavar="REVISION", help="upgrade to this revision and no further")
    how.add_argument(
        "--down-to", metavar="REVISION", help="go back to this revision; `base` drops everything"
    )
    how.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if there is something to do"
    )
    migrating.set_defaults(run=_migrate)

    backing = commands.add_parser("backup", help="write everything to one file, while serving or not")
    backing.add_argument("file", nargs="?", type=Path, default=Path(), help="or a folder; the current one")
    backing.add_argument("--with-secret", action="store_true", help="put the secret into it too")
    backing.set_defaults(run=_backup)

    restoring = commands.add_parser("restore", help="put a backup into an empty database")
    restoring.add_argument("file", type=Path)
    restoring.add_argument(
        "--new-secret", action="store_true", help="the secret it was made with is lost: go on with another"
    )
    restoring.set_defaults(run=_restore)

    keeping = commands.add_parser("upkeep", help="remove now what `todo serve` removes every hour")
    keeping.set_defaults(run=_upkeep)

    examining = commands.add_parser("doctor", help="check what an operator would ask first")
    examining.add_argument("--json", action="store_true", help="one JSON object a finding")
    examining.set_defaults(run=_doctor)

    speaking = commands.add_parser("mcp", help="speak MCP on standard input and output")
    speaking.add_argument(
        "--print-config",
        nargs="?",
        const=EVERY_CLIENT,
        choices=[EVERY_CLIENT, *CLIENTS],
        help="print what to paste into a client's settings instead; of one client, JSON and nothing else",
    )
    speaking.set_defaults(run=_mcp)

    fetching = commands.add_parser("token", help="sign in to the running service and print an access token")
    fetching.add_argument("--email", required=True)
    fetching.add_argument("--sign-up", action="store_true", help="create the account first")
    fetching.set_defaults(run=_token)

    designing = commands.add_parser("architect", help="design the next feature, and judge what is there")
    designing.add_argument("arguments", nargs=argparse.REMAINDER)
    designing.set_defaults(run=_architect)
    return parser


def _serve(settings: Settings, _: argparse.Namespace) -> None:
    # Before all the rest is loaded: what a signal raises in the midst of that may be lost.
    stop = StopRequest()
    from todo.serve.product import serve

    serve(settings, stop)


def _architect(settings: Settings, chosen: argparse.Namespace) -> None:
    try:
        from todo.architect import commands
    except ModuleNotFoundError as error:
        raise CannotStart(f"{error.name} is missing: install todo-evolution[architect].") from error
    parser = argparse.ArgumentParser(prog="todo architect")
    commands.add_commands(parser)
    sys.exit(commands.run(settings, parser.parse_args(chosen.arguments)))


def _migrate(settings: Settings, chosen: argparse.Namespace) -> None:
    from todo.migrations.runner import current_revision, downgrade, refuse_other_schema, upgrade
    from todo.serve.product import prepare_database, reachable_database, secret_of

    with reachable_database(settings) as url:
        if chosen.check:
            asyncio.run(refuse_other_schema(url))
        elif chosen.to:
            asyncio.run(upgrade(url, chosen.to))
        elif chosen.down_to:
            asyncio.run(downgrade(url, chosen.down_to))
        else:
            asyncio.run(prepare_database(settings, url, secret_of(settings)))
        _show(f"The schema is at {asyncio.run(current_revision(url)) or 'nothing'}.")


def _backup(settings: Settings, chosen: argparse.Namespace) -> None:
    from todo.serve.backup import back_up
    from todo.serve.first_screen import say
    from todo.serve.product import known_secret, reachable_database

    file: Path = chosen.file
    if file.is_dir():
        file /= f"todo-backup-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
    secret = known_secret(settings)
    if secret is None:
        raise CannotStart(f"There is no secret in {settings.data_dir}: set TODO_DATA_DIR or TODO_SECRET.")
    with reachable_database(settings) as url:
        manifest = asyncio.run(back_up(url, secret, file, with_secret=chosen.with_secret))
    if chosen.with_secret:
        say("THE SECRET IS IN THIS FILE: whoever reads it can be anybody. Keep it as you keep a password.")
    else:
        say("KEEP THE SECRET TOO, apart from this file: a restore asks for it.")
    size = file.stat().st_size / 1_000_000
    _show(f"{file}: {manifest.rows} rows of {len(manifest.tables)} tables, {size:.1f} MB")


def _restore(settings: Settings, chosen: argparse.Namespace) -> None:
    from todo.serve.restore import restore

    manifest = restore(settings, chosen.file, is_secret_lost=chosen.new_secret)
    _show(f"{manifest.rows} rows are as they were at {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: `todo serve`.")


def _upkeep(settings: Settings, _: argparse.Namespace) -> None:
    from todo.migrations.runner import refuse_other_schema
    from todo.serve.product import reachable_database, secret_of, upkeep_of

    with reachable_database(settings) as url:
        asyncio.run(refuse_other_schema(url))
        removed = asyncio.run(upkeep_of(settings, url, secret_of(settings)).run())
    if removed is None:
        _show("Another upkeep is at work; nothing was done here.")
    else:
        _show("Removed: " + ", ".join(f"{count} {name}" for name, count in removed.items()) + ".")


def _doctor(settings: Settings, chosen: argparse.Namespace) -> None:
    from todo.serve.doctor import examine

    is_well = True
    for finding in examine(settings):
        _show(
            json.dumps(asdict(finding))
            if chosen.json
            else f"{finding.state:4} {finding.subject}: {finding.says}"
        )
        is_well = is_well and finding.state != "FAIL"
    if not is_well:
        sys.exit(1)


def _mcp(settings: Settings, chosen: argparse.Namespace) -> None:
    if chosen.print_config == EVERY_CLIENT:
        for client in CLIENTS.values():
            _show(f"# {client.where}\n{client.text(settings.public_origin)}\n")
    elif chosen.print_config:
        _show(CLIENTS[chosen.print_config].text(settings.public_origin))
    else:
        from todo.serve.stdio import speak_stdio

        key = settings.api_key.get_secret_value() if settings.api_key else None
        speak_stdio(settings.public_origin, key)


def _token(settings: Settings, chosen: argparse.Namespace) -> None:
    from todo.serve.access_token import fetch_access_token

    is_person = sys.stdin.isatty()
    password = (
        getpass.getpass(f"Password of {chosen.email}: ") if is_person else sys.stdin.readline().rstrip("\n")
    )
    token = fetch_access_token(settings.public_origin, chosen.email, password, is_new=chosen.sign_up)
    _show(token)


def _setting_error(location: Sequence[object], message: str) -> str:
    name = "TODO_" + "_".join(str(part) for part in location).upper() if location else "Settings"
    return f"todo: {name}: {message.removeprefix('Value error, ')}"


def _show(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # this is the command's answer
