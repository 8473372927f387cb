"""The commands: `todo architect …`."""

import argparse
import asyncio
import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from todo.app import create_app
from todo.architect.check import check, system_facts
from todo.architect.facts import brief, facts, slug_of
from todo.architect.findings import Outcome, Verdict
from todo.architect.history import suggestion, write_decision, write_record
from todo.architect.judge import unverified
from todo.architect.live import Live
from todo.architect.model import Design, FeatureRequest
from todo.architect.render import pages
from todo.architect.report import report
from todo.architect.scratch import scratch_server
from todo.architect.specs import embedded_design, write
from todo.architect.verifying import bench, verify
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart
from todo.settings import Settings


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Describe the commands and what each takes."""
    commands = parser.add_subparsers(required=True, metavar="command")

    checking = _command(commands, "check", "examine the running system and judge it", _check)
    checking.add_argument("--traces", action="store_true", help="show each operation from end to end as well")

    designing = _command(
        commands, "design", "design a feature; without a model, write the brief for it", _design
    )
    designing.add_argument("request", help='what is wanted, like "due dates with reminders"')
    designing.add_argument("--answer", action="append", default=[], metavar="QUESTION=ANSWER")
    designing.add_argument("--budget", type=int, default=24, help="calls of the model, at most")

    verifying = _command(commands, "verify", "judge a design over the running system", _verify)
    verifying.add_argument("design", type=Path, help="the design: JSON, or a page of specs/ that has one")
    verifying.add_argument("--write", action="store_true", help="if verified, write it as proposed")

    _command(commands, "specs", "write the generated parts of specs/ anew", _specs)

    deciding = _command(commands, "adr", "write a decision of a design as a draft", _adr)
    deciding.add_argument("title", help="the decision as a sentence")
    deciding.add_argument("design", type=Path)


def _command(commands: Any, name: str, says: str, run: object) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=says)
    parser.add_argument("--root", type=Path, default=Path(), help="the project's folder; the current one")
    parser.add_argument("--server", help="a PostgreSQL for scratch databases; without it, one is started")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(command=run)
    return parser


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Run one command; give the exit code: 0 verified, 1 rejected, 2 needs a decision, 3 unverified."""
    chosen.root, chosen.model = chosen.root.resolve(), settings.architect_model
    with ExitStack() as stack:
        try:
            if chosen.command is _adr:
                code: int = _adr(chosen)
            else:
                server = DatabaseUrl.parse(chosen.server, "--server") if chosen.server else None
                code = int(chosen.command(chosen, server or stack.enter_context(scratch_server())))
        except CannotStart as error:
            code = _told(chosen, unverified(str(error)))
    return code


def _check(chosen: argparse.Namespace, server: DatabaseUrl) -> int:
    verdict, live = asyncio.run(_checked(chosen.root, server))
    return _told(chosen, verdict, report(verdict, live.evidence.traces if chosen.traces else ()))


async def _checked(root: Path, server: DatabaseUrl) -> tuple[Verdict, Live]:
    async with bench(server, root=root, probing=True) as place:
        return await check(place, root, server)


def _verify(chosen: argparse.Namespace, server: DatabaseUrl) -> int:
    verdict = asyncio.run(verify(_read(chosen.design), server=server, root=chosen.root))
    code = _told(chosen, verdict)
    if chosen.write:
        _keep(chosen, verdict, ["Written without a model of ours."])
    return code


def _design(chosen: argparse.Namespace, server: DatabaseUrl) -> int:
    answers = dict(pair.split("=", 1) for pair in chosen.answer if "=" in pair)
    request = FeatureRequest(slug=slug_of(chosen.request), text=chosen.request, answers=answers)
    return asyncio.run(_designed(chosen, request, server))


async def _designed(chosen: argparse.Namespace, request: FeatureRequest, server: DatabaseUrl) -> int:
    async with bench(server, root=chosen.root) as place:
        if not chosen.model and chosen.json:
            told = brief(request.text, place.live, place.decisions, place.questions(request))
            asked = [one.model_dump(mode="json") for one in place.questions(request)]
            _say([json.dumps({"brief": told, "questions": asked}, ensure_ascii=False)])
            return Outcome.NEEDS_DECISION.exit_code
        if not chosen.model:
            file = chosen.root / f"{request.slug}.brief.md"
            questions = place.questions(request)
            text = brief(request.text, place.live, place.decisions, questions)
            await asyncio.to_thread(file.write_text, text, encoding="utf-8")
            _say([f"No model is set (TODO_ARCHITECT_MODEL): the brief is in {file.name}.", "Then:"])
            _say([f"    todo architect verify {request.slug}.json"])
            _say(f"DECIDE  {one.id}: {one.question} ({' | '.join(one.options)})" for one in questions)
            return Outcome.NEEDS_DECISION.exit_code
        from todo.architect.flow import Flow  # noqa: PLC0415  # loaded where a model is named
        from todo.architect.specialists import Specialists  # noqa: PLC0415

        specialists = Specialists(chosen.model, facts(place.live, place.decisions), chosen.budget)
        done = await Flow(place, specialists).design(request)
    course = [f"{chosen.model}: {done.calls} calls, {done.tokens} tokens"]
    course += [
        f"{role} was sent back by {', '.join(one.rule for one in found)}" for role, found in done.sent_back
    ]
    code = _told(chosen, done.verdict)
    _keep(chosen, done.verdict, course)
    return code


def _keep(chosen: argparse.Namespace, verdict: Verdict, course: list[str]) -> None:
    """Write what a verified design leaves behind."""
    if verdict.outcome is not Outcome.VERIFIED or verdict.design is None:
        return
    written = []
    for name, text in pages(verdict.design).items():
        path = chosen.root / "specs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(f"specs/{name}")
    record = write_record(chosen.root, verdict.design, verdict, written, course)
    _say([*(f"written: {name}" for name in [*written, record]), suggestion(verdict.design) or ""])


def _specs(chosen: argparse.Namespace, server: DatabaseUrl) -> int:
    written = write(chosen.root, asyncio.run(system_facts(server, create_app)))
    _say([f"written: {name}" for name in written] or ["Nothing was out of date."])
    return Outcome.VERIFIED.exit_code


def _adr(chosen: argparse.Namespace) -> int:
    _say([f"written: {write_decision(chosen.root, chosen.title, _read(chosen.design))}"])
    return Outcome.VERIFIED.exit_code


def _read(file: Path) -> Design:
    try:
        text = file.read_text(encoding="utf-8")
        return Design.model_validate_json(embedded_design(text) if file.suffix == ".md" else text)
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        where = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5]]
        raise CannotStart(f"{file} is no design: {'; '.join(where)}.") from error


def _told(chosen: argparse.Namespace, verdict: Verdict, lines: Iterable[str] | None = None) -> int:
    if chosen.json:
        _say([json.dumps(verdict.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False)])
    else:
        _say(report(verdict) if lines is None else lines)
    return verdict.outcome.exit_code


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        if line:
            print(line, flush=True)  # noqa: T201  # this is the command's answer
