"""The commands: `todo architect …`."""

import argparse
import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from todo.architect.bench import Bench, bench
from todo.architect.brief import brief
from todo.architect.design import Design, FeatureRequest, slug_of
from todo.architect.proposal import suggestion, write_decision, write_pages
from todo.architect.rules import report
from todo.architect.scratch import scratch_server
from todo.architect.specs import Page, write
from todo.architect.verdict import Clarification, Outcome, Verdict, unverified
from todo.database.url import DatabaseUrl
from todo.problems import CannotStart
from todo.settings import Settings


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Describe the commands and what each takes."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--root", type=Path, default=Path(), help="the project's folder; the current one")
    shared.add_argument("--server", help="a PostgreSQL for scratch databases; without it, one is started")
    shared.add_argument("--json", action="store_true", help="one JSON document")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(run: Callable[..., Any], says: str) -> argparse.ArgumentParser:
        described = commands.add_parser(run.__name__.strip("_"), help=says, parents=[shared])
        described.set_defaults(command=run)
        return described

    checking = command(_check, "examine the running system and judge it")
    checking.add_argument("--traces", action="store_true", help="show each operation from end to end as well")
    designing = command(_design, "design a feature; without a model, write the brief for it")
    designing.add_argument("request", help='what is wanted, like "due dates with reminders"')
    designing.add_argument("--answer", action="append", default=[], metavar="QUESTION=ANSWER")
    designing.add_argument("--budget", type=int, default=24, help="calls of the model, at most")
    verifying = command(_verify, "judge a design over the running system")
    verifying.add_argument("design", type=Path, help="the design: JSON, or a page of specs/ that has one")
    verifying.add_argument("--write", action="store_true", help="if verified, write it as proposed")
    command(_specs, "write the generated parts of specs/ anew")
    deciding = command(_adr, "write a decision of a design as a draft")
    deciding.add_argument("title", help="the decision as a sentence")
    deciding.add_argument("design", type=Path)


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Run one command; give the exit code: 0 verified, 1 rejected, 2 needs a decision, 3 unverified."""
    chosen.root, chosen.model = chosen.root.resolve(), settings.architect_model
    with ExitStack() as stack:
        try:
            if "design" in chosen:
                chosen.design = _read(chosen.design)
            if chosen.command is _adr:
                _adr(chosen)
                return Outcome.VERIFIED.exit_code
            given = DatabaseUrl.parse(chosen.server, "--server") if chosen.server else None
            chosen.server = given or stack.enter_context(scratch_server())
            outcome = asyncio.run(_on_bench(chosen))
        except CannotStart as error:
            outcome = _told(chosen, unverified(str(error)))
    return outcome.exit_code


async def _on_bench(chosen: argparse.Namespace) -> Outcome:
    async with bench(chosen.server, root=chosen.root, probing=chosen.command is _check) as place:
        outcome: Outcome = await chosen.command(chosen, place)
    return outcome


async def _check(chosen: argparse.Namespace, place: Bench) -> Outcome:
    verdict = await place.check(chosen.root, chosen.server)
    _say(map(str, place.live.traces) if chosen.traces and not chosen.json else ())
    return _told(chosen, verdict)


async def _verify(chosen: argparse.Namespace, place: Bench) -> Outcome:
    verdict = await place.verify(chosen.design)
    outcome = _told(chosen, verdict)
    if chosen.write:
        _keep(chosen, verdict, ["Written without a model of ours."])
    return outcome


async def _design(chosen: argparse.Namespace, place: Bench) -> Outcome:
    answers = dict(pair.split("=", 1) for pair in chosen.answer if "=" in pair)
    request = FeatureRequest(slug=slug_of(chosen.request), text=chosen.request, answers=answers)
    if not chosen.model:
        await asyncio.to_thread(_brief, chosen, request, brief(request, place), place.questions(request))
        return Outcome.NEEDS_DECISION
    # What speaks to models is loaded where one is named.
    from todo.architect.agents import Architect  # noqa: PLC0415  # see above

    architect = Architect(place, chosen.model, chosen.budget)
    verdict, usage = await architect.design(request), architect.usage
    outcome = _told(chosen, verdict)
    course = [f"{chosen.model}: {usage.requests} calls, {usage.total_tokens} tokens"]
    for role, found in architect.sent_back:
        course.append(f"{role} was sent back by {', '.join(one.rule for one in found)}")
    _keep(chosen, verdict, course)
    return outcome


def _brief(
    chosen: argparse.Namespace, request: FeatureRequest, text: str, questions: list[Clarification]
) -> None:
    if chosen.json:
        asked = [one.model_dump(mode="json") for one in questions]
        _say([json.dumps({"brief": text, "questions": asked}, ensure_ascii=False)])
        return
    file = chosen.root / f"{request.slug}.brief.md"
    file.write_text(text, encoding="utf-8")
    _say([f"No model is set (TODO_ARCHITECT_MODEL): the brief is in {file.name}.", "Then:"])
    _say([f"    todo architect verify {request.slug}.json", *map(str, questions)])


async def _specs(chosen: argparse.Namespace, place: Bench) -> Outcome:
    facts, _ = await place.facts(chosen.server)
    written = write(chosen.root, facts, place.live.design)
    _say([f"written: {name}" for name in written] or ["Nothing was out of date."])
    return Outcome.VERIFIED


def _adr(chosen: argparse.Namespace) -> None:
    _say([f"written: {write_decision(chosen.root, chosen.title, chosen.design)}"])


def _keep(chosen: argparse.Namespace, verdict: Verdict, course: list[str]) -> None:
    """Write what a verified design leaves behind."""
    if verdict.outcome is Outcome.VERIFIED and verdict.design:
        written = write_pages(chosen.root, verdict, verdict.design, course)
        _say([*(f"written: {name}" for name in written), suggestion(verdict.design)])


def _read(file: Path) -> Design:
    try:
        page = Page.read(file)
        design = page.design if file.suffix == ".md" else Design.model_validate_json(page.text)
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        where = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5]]
        raise CannotStart(f"{file} is no design: {'; '.join(where)}.") from error
    if design is None:
        raise CannotStart(f"{file} is a page without a design.")
    return design


def _told(chosen: argparse.Namespace, verdict: Verdict) -> Outcome:
    data = verdict.model_dump(mode="json", exclude_none=True)
    _say([json.dumps(data, indent=2, ensure_ascii=False)] if chosen.json else report(verdict))
    return verdict.outcome


def _say(lines: Iterable[str]) -> None:
    for line in filter(None, lines):
        print(line, flush=True)  # noqa: T201  # this is the command's answer
