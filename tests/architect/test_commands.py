"""The commands and what they leave behind: the same verdict by every door, as an exit code or as data."""

import argparse
import json
from pathlib import Path

import pytest

from tests.architect.cases import REJECTED, SOUND
from tests.isolation.copies import ROOT
from todo.architect import commands, verify
from todo.architect.bench import Bench
from todo.architect.brief import ROLES, instructions_of
from todo.architect.constitution import Constitution
from todo.architect.design import Design
from todo.architect.project import written
from todo.architect.proposal import pages, write_decision, write_pages
from todo.architect.specs import Facts, Page, pages_of, schema_sql, write
from todo.architect.verdict import Outcome, Seen
from todo.database.url import DatabaseUrl
from todo.settings import Settings

PROPOSAL = "specs/api/due-dates-and-recurrence.md"


def records(root: Path) -> list[Seen]:
    return [one for one in written(root, Constitution()) if one.rule == "DOC-2"]


def command(*arguments: str) -> int:
    """Run `todo architect …` without a model, and give its exit code."""
    parser = argparse.ArgumentParser()
    commands.add_commands(parser)
    return commands.run(Settings(architect_model=None), parser.parse_args(arguments))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a constitution and a place for constitution."""
    memory = tmp_path / ".specify/memory/constitution.md"
    memory.parent.mkdir(parents=True)
    memory.write_text(
        (ROOT / ".specify/memory/constitution.md").read_text(encoding="utf-8"), encoding="utf-8"
    )
    (tmp_path / "docs/adr").mkdir(parents=True)
    return tmp_path


def test_a_verified_design_leaves_pages_and_a_record(
    project: Path, server: DatabaseUrl, capsys: pytest.CaptureFixture[str]
) -> None:
    design = project / "design.json"
    design.write_text(SOUND.model_dump_json(), encoding="utf-8")

    code = command("verify", str(design), "--write", "--root", str(project), "--server", str(server))

    assert code == Outcome.VERIFIED.exit_code, capsys.readouterr().out
    page = Page.read(project / "specs/api/due-dates.md")
    assert (page.status, page.design) == ("proposed", SOUND)
    assert (project / "specs/database/todos-due-dates.md").exists()
    assert records(project) == [Seen("DOC-2", "history/prompts/due-dates/0001-due-dates.plan.prompt.md")]


def test_the_committed_proposal_is_verified_still(
    server: DatabaseUrl, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--json", "--root", str(ROOT), "--server", str(server))

    code = command("verify", str(ROOT / PROPOSAL), *options)

    verdict = json.loads(capsys.readouterr().out)
    assert (code, verdict["outcome"], verdict["findings"]) == (0, "verified", [])


def test_what_cannot_be_judged_is_unverified(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = command("check", "--root", str(project), "--server", "postgresql://127.0.0.1:1/nothing")

    assert code == Outcome.UNVERIFIED.exit_code
    assert "UNVERIFIED: Cannot reach the database" in capsys.readouterr().out


def test_without_a_model_the_brief_is_written(
    project: Path, server: DatabaseUrl, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command("design", "share todos", "--root", str(project), "--server", str(server))

    said = capsys.readouterr().out
    brief = (project / "share-todos.brief.md").read_text(encoding="utf-8")
    assert code == Outcome.NEEDS_DECISION.exit_code
    assert "todo architect verify share-todos.json" in said
    assert "DECIDE  sharing" in said
    assert '"operation_id":"list_todos","table":"todos"' in brief
    assert '"SchemaDesign"' in brief


async def test_python_gives_the_same_verdict(server: DatabaseUrl) -> None:
    verdict = await verify(REJECTED, server=server, root=ROOT)

    assert (verdict.outcome, {one.rule for one in verdict.findings}) == (Outcome.REJECTED, {"IDX-1"})


def test_the_agent_files_are_the_instructions() -> None:
    for role in ROLES:
        text = (ROOT / f".claude/agents/{role}.md").read_text(encoding="utf-8")

        assert text.startswith(f"---\nname: {role}\n")
        assert text.endswith(instructions_of(role))


def test_the_page_of_a_design_has_every_part() -> None:
    page = pages(SOUND)["specs/api/due-dates.md"]

    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Overview",
        "## API design",
        "## Database schema",
        "## Authentication",
        "## Implementation notes",
        "## Testing strategy",
        "## Files to create or change",
        "## Served",
        "## The design",
    ]
    assert "-- the list\nCREATE INDEX ON todos (user_id, due_at, id) WHERE deleted_at IS NULL;\n" in page
    assert "### `PATCH /api/todos/{todo_id}/due`\n" in page
    assert "/due`: authenticated; claims sub; checks owner; 403 for another's\n" in page


async def test_what_is_proposed_becomes_live_once_all_of_it_is_served(place: Bench, project: Path) -> None:
    live = place.live
    there = SOUND.model_copy(
        update={"request": Design().request, "api": live.design.api, "db": live.design.db}
    )
    for name, text in (pages(SOUND) | pages(there)).items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (project / "specs/api/feature.md").write_text(
        pages(there)["specs/api/feature.md"].replace(
            "## Overview\n", "## Overview\n\nWritten by a person.\n"
        ),
        encoding="utf-8",
    )
    facts = Facts(live.openapi, live.tools, schema_sql(place.url))

    write(project, facts, live.design)

    statuses = {page.path.name: page.status for page in pages_of(project)}
    text = (project / "specs/api/feature.md").read_text(encoding="utf-8")
    assert (statuses["feature.md"], statuses["todos.md"]) == ("live", "live")
    assert (statuses["due-dates.md"], statuses["todos-due-dates.md"]) == ("proposed", "proposed")
    assert "Written by a person." in text
    assert "| `list_todos` | `GET /api/todos` | 200, 304 |" in text


async def test_a_record_that_holds_a_token_is_refused(place: Bench, tmp_path: Path) -> None:
    request = SOUND.request.model_copy(update={"text": "due dates, says eyJhbGciOiJFZERTQSJ9.e30.x"})
    verdict = await place.verify(SOUND)

    write_pages(tmp_path, verdict, SOUND.model_copy(update={"request": request}), [])

    assert [record.fault for record in records(tmp_path)] == ["holds a secret"]


def test_a_decision_is_written_only_when_asked_for(project: Path) -> None:
    name = write_decision(project, "Due dates are moments in UTC", SOUND)

    assert name == "docs/adr/0001-due-dates-are-moments-in-utc.md"
    assert records(project) == [Seen("DOC-2", name)]
