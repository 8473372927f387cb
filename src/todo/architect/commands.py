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
from todo.architect.bench import Bench, bench, system_facts, verify
from todo.architect.brief import brief, facts
from todo.architect.design import Design, FeatureRequest
from todo.architect.documents import slug_of, suggestion, write_decision, write_pages
from todo.architect.judge import report
from todo.architect.scratch import scratch_server
from todo.architect.specs import SpecFile, write
from todo.architect.verdict import Outcome, Verdict, unverified
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart
from todo.settings import Settings


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Describe the commands and what each takes."""
    commands = parser.add_subparsers(required=True, metavar="command")

    checking = _command(commands, "check", "examine the running system and judge it", _check)
    checking.add_argument("--traces", action="store_true", help="show each operation from end to end as well")

    says = "design a feature; without a model, write the brief for it"
    designing = _command(commands, "design", says, _design)
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
            if chosen.command is not _adr:
                given = DatabaseUrl.parse(chosen.server, "--server") if chosen.server else None
                chosen.server = given or stack.enter_context(scratch_server())
            outcome: Outcome = asyncio.run(chosen.command(chosen))
        except CannotStart as error:
            outcome = _told(chosen, unverified(str(error)))
    return outcome.exit_code


async def _check(chosen: argparse.Namespace) -> Outcome:
    async with bench(chosen.server, root=chosen.root, probing=True) as place:
        verdict = await place.check(chosen.root, chosen.server)
    return _told(chosen, verdict, report(verdict, place.live.evidence.traces if chosen.traces else ()))


async def _verify(chosen: argparse.Namespace) -> Outcome:
    verdict = await verify(_read(chosen.design), server=chosen.server, root=chosen.root)
    outcome = _told(chosen, verdict)
    if chosen.write:
        _keep(chosen, verdict, ["Written without a model of ours."])
    return outcome


async def _design(chosen: argparse.Namespace) -> Outcome:
    answers = dict(pair.split("=", 1) for pair in chosen.answer if "=" in pair)
    request = FeatureRequest(slug=slug_of(chosen.request), text=chosen.request, answers=answers)
    async with bench(chosen.server, root=chosen.root) as place:
        return await (_designed if chosen.model else _briefed)(chosen, request, place)


async def _briefed(chosen: argparse.Namespace, request: FeatureRequest, place: Bench) -> Outcome:
    questions = place.questions(request)
    text = brief(request, place.live, place.constitution, questions)
    if chosen.json:
        asked = [one.model_dump(mode="json") for one in questions]
        _say([json.dumps({"brief": text, "questions": asked}, ensure_ascii=False)])
        return Outcome.NEEDS_DECISION
    file = chosen.root / f"{request.slug}.brief.md"
    await asyncio.to_thread(file.write_text, text, encoding="utf-8")
    _say([f"No model is set (TODO_ARCHITECT_MODEL): the brief is in {file.name}.", "Then:"])
    _say([f"    todo architect verify {request.slug}.json", *map(str, questions)])
    return Outcome.NEEDS_DECISION


async def _designed(chosen: argparse.Namespace, request: FeatureRequest, place: Bench) -> Outcome:
    # What speaks to models is loaded where one is named.
    from todo.architect.flow import Flow  # noqa: PLC0415  # see above
    from todo.architect.specialists import Specialists  # noqa: PLC0415  # see above

    specialists = Specialists(chosen.model, facts(place.live, place.constitution), chosen.budget)
    verdict, usage = await Flow(place, specialists).design(request), specialists.usage
    outcome = _told(chosen, verdict)
    course = [f"{chosen.model}: {usage.requests} calls, {usage.total_tokens} tokens"]
    for role, found in specialists.sent_back:
        course.append(f"{role} was sent back by {', '.join(one.rule for one in found)}")
    _keep(chosen, verdict, course)
    return outcome


def _keep(chosen: argparse.Namespace, verdict: Verdict, course: list[str]) -> None:
    """Write what a verified design leaves behind."""
    if verdict.outcome is Outcome.VERIFIED and verdict.design:
        written = write_pages(chosen.root, verdict, course)
        _say([*(f"written: {name}" for name in written), suggestion(verdict.design)])


async def _specs(chosen: argparse.Namespace) -> Outcome:
    written = write(chosen.root, *await system_facts(chosen.server, create_app))
    _say([f"written: {name}" for name in written] or ["Nothing was out of date."])
    return Outcome.VERIFIED


async def _adr(chosen: argparse.Namespace) -> Outcome:
    _say([f"written: {write_decision(chosen.root, chosen.title, _read(chosen.design))}"])
    return Outcome.VERIFIED


def _read(file: Path) -> Design:
    try:
        page = SpecFile.read(file)
        design = page.design if file.suffix == ".md" else Design.model_validate_json(page.text)
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        where = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5]]
        raise CannotStart(f"{file} is no design: {'; '.join(where)}.") from error
    if design is None:
        raise CannotStart(f"{file} is a page without a design.")
    return design


def _told(chosen: argparse.Namespace, verdict: Verdict, lines: Iterable[str] = ()) -> Outcome:
    data = verdict.model_dump(mode="json", exclude_none=True)
    _say([json.dumps(data, indent=2, ensure_ascii=False)] if chosen.json else lines or report(verdict))
    return verdict.outcome


def _say(lines: Iterable[str]) -> None:
    for line in filter(None, lines):
        print(line, flush=True)  # noqa: T201  # this is the command's answer
