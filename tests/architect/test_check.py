"""The running backend is examined; holes planted in a copy of it are found, each by the rule for it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.isolation.copies import ROOT, Change, copy_source, run_on
from todo.architect.bench import Bench
from todo.architect.live import Live
from todo.architect.rules import POINTS, report
from todo.architect.verdict import Outcome, Verdict
from todo.database.url import DatabaseUrl

_NOT_OWNED = (
    Change("features/todos/service.py", '_CHANGES = "changes"', '_SEEN: dict = {}\n_CHANGES = "changes"'),
    Change(
        "features/todos/service.py",
        "todo = await self._todos.show(todo_id)",
        "todo = _SEEN.get(todo_id) or await self._todos.show(todo_id)\n        _SEEN[todo_id] = todo",
    ),
)
_NOT_FOUND = Change(
    "features/todos/rules.py",
    "TodoNotOwned() if todo_id in anybodys else TodoNotFound()",
    "TodoNotOwned()",
)
_PUBLIC = Change(
    "transport/health.py",
    "    return router\n",
    '    @router.get("/stats", operation_id="show_stats")\n'
    "    async def show_stats() -> Health:\n"
    '        return Health(status="live")\n\n'
    "    return router\n",
)
_ON_A_TODO = [
    *(f"{method} /api/todos/{{todo_id}}" for method in ("GET", "PATCH", "DELETE")),
    *(f"PATCH /api/todos/{{todo_id}}/{verb}" for verb in ("complete", "reopen", "restore")),
]
_BLOCKING = Change(
    "features/todos/service.py",
    "        page = await self._changes_since(wanted.since",
    '        __import__("time").sleep(0.001)\n        page = await self._changes_since(wanted.since',
)
_DEFAULT_422 = Change(
    "transport/problem_json.py",
    "    app.add_exception_handler(RequestValidationError, on_validation_error)\n",
    "",
)
_NO_INDEX = Change(
    "features/todos/models.py",
    '        Index(None, "user_id", "updated_at", "id", postgresql_where=_LIVE),\n',
    "",
)
_NO_INDEX_EITHER = ('"created_at", "updated_at", "priority_rank"', '"created_at", "priority_rank"')


@pytest.fixture(scope="module")
async def examined(place: Bench, server: DatabaseUrl) -> tuple[Verdict, Live]:
    """What is said of the backend as it is."""
    return await place.check(ROOT, server), place.live


async def test_the_backend_as_it_is_holds(examined: tuple[Verdict, Live]) -> None:
    verdict, _ = examined

    assert (verdict.outcome, verdict.findings) == (Outcome.VERIFIED, [])
    assert 0 not in verdict.examined.values()


async def test_each_point_of_quality_is_told_with_what_was_looked_at(examined: tuple[Verdict, Live]) -> None:
    verdict, live = examined

    lines = "\n".join([*map(str, live.traces), *report(verdict)]).splitlines()

    assert [line for line in lines if line[0].isdigit()] == [
        f"{number}. {point}: holds" for number, point in enumerate(POINTS, start=1)
    ]
    assert any(
        line.startswith("    WITH todos") and "ix_todos_user_id_created_at_id" in line for line in lines
    )


async def test_every_operation_is_followed_to_its_tables(examined: tuple[Verdict, Live]) -> None:
    _, live = examined
    traces = {trace.operation.name: trace for trace in live.traces}

    assert traces.keys() == {endpoint.name for endpoint in live.design.api.endpoints}
    assert [name for name, trace in traces.items() if not trace.plans] == ["GET /health/live"]
    listing = traces["GET /api/todos"]
    assert (listing.status, listing.chain[0], listing.chain[-1]) == (200, "SignedInRoute", "reader")
    assert listing.tables == {"todos", "users"}
    assert {"todos", "users", "todo_changes"} <= traces["POST /api/todos"].tables


def test_planted_holes_are_found_by_the_rules_for_them(tmp_path: Path, server: DatabaseUrl) -> None:
    source = copy_source(tmp_path, (*_NOT_OWNED, _NOT_FOUND, _PUBLIC, _BLOCKING, _DEFAULT_422, _NO_INDEX))
    change_one_migration(source, *_NO_INDEX_EITHER)
    project = copy_project(tmp_path / "project")
    page = project / "specs/api/keys.md"
    page.write_text(
        page.read_text(encoding="utf-8").replace("| `list_keys` |", "| `show_keys` |"), encoding="utf-8"
    )

    found = findings(source, project, server)

    assert {(rule, where) for rule, where in found if rule != "ERR-2"} == {
        *(("API-1", operation) for operation in _ON_A_TODO),
        ("AUTH-3", "GET /api/todos/{todo_id}"),
        ("AUTH-2", "GET /health/stats"),
        ("ASYNC-1", "GET /api/todos/changes"),
        ("IDX-1", "GET /api/todos sort=updated_at"),
        ("IDX-1", "GET /api/todos sort=-updated_at"),
        ("SPEC-1", "specs/api/keys.md"),
        # What the others make stale.
        ("SPEC-1", "specs/api/health.md"),
        ("SPEC-1", "specs/database/todos.md"),
        ("SPEC-3", "specs/api/openapi.json"),
        ("SPEC-3", "specs/database/schema.sql"),
    }
    assert ("ERR-2", "PATCH /api/todos/{todo_id}") in found


def findings(source: Path, project: Path, server: DatabaseUrl) -> set[tuple[str, str]]:
    """Examine a copy and give what was found where."""
    options = ("--json", "--root", str(project), "--server", str(server))
    ended = run_on(source, "todo", "architect", "check", *options)
    assert ended.returncode == Outcome.REJECTED.exit_code, ended.stdout
    verdict: dict[str, Any] = json.loads(ended.stdout[ended.stdout.index("{\n") :])
    return {(finding["rule"], finding["where"]) for finding in verdict["findings"]}


def copy_project(folder: Path) -> Path:
    """Copy what stands around the source."""
    for name in ("specs", ".specify", "docs/adr"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def change_one_migration(source: Path, old: str, new: str) -> None:
    """Replace a text of the first migration."""
    path = next((source / "todo/migrations/versions").glob("*users_and_todos.py"))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
