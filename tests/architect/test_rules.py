"""Rules about what is seen where something runs or stands, each on something that only it refuses."""

from collections.abc import AsyncIterable, Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx2
import pytest

from tests.architect.cases import SOUND
from todo.architect import probes, project, specs
from todo.architect.constitution import Constitution
from todo.architect.design import ApiDesign, Design
from todo.architect.live import Trace
from todo.architect.openapi import Operation
from todo.architect.proposal import pages
from todo.architect.rules import NOTHING, RULES, judge
from todo.architect.rules.rule import Case
from todo.architect.verdict import Seen
from todo.database.url import DatabaseUrl

_LIST = Operation("GET", "/api/todos", {"operationId": "list_todos", "security": [{}], "responses": {}})
_TRACE = Trace(_LIST, UUID(int=1), 200, (), "", ("SignedInRoute", "reading"), is_async=True)
_PROBLEM = {"status": 401, "detail": "no", "error_code": "unauthenticated"}
_FACTS = specs.Facts(
    {"paths": {"/api/todos": {"get": {"operationId": "list_todos", "responses": {}}}}}, [], ""
)
_LIVE = Design(api=ApiDesign(endpoints=[_LIST.endpoint({}, set())]))
_CITING = Constitution(principles={"Names": ["NAME-7"]})
_UPWARDS = """
[tool.importlinter]
root_package = "todo"
[[tool.importlinter.contracts]]
name = "The application knows nobody"
type = "forbidden"
source_modules = ["todo.app"]
forbidden_modules = ["todo.auth"]
"""


class Planted(NamedTuple):
    """Something to look at, and the rules that refuse it."""

    name: str
    look: Callable[[Path], Iterable[Seen] | AsyncIterable[Seen]]
    expected: frozenset[str]


def _trace(name: str, *expected: str, **changed: Any) -> Planted:
    return Planted(name, lambda _: _TRACE._replace(**changed).judged({}), frozenset(expected))


def _answer(name: str, *expected: str, media_type: str = "application/problem+json", **body: Any) -> Planted:
    said = {key: value for key, value in (_PROBLEM | body).items() if value is not ...}
    reply = httpx2.Response(401, json=said, headers={"content-type": media_type})
    asked = probes.Question("nobody", {})
    return Planted(name, lambda _: probes.judged(asked, reply, "mark"), frozenset(expected))


def _pages(name: str, change: Callable[[Path], object], *expected: str) -> Planted:
    def look(root: Path) -> Iterable[Seen]:
        (root / "specs/api").mkdir(parents=True)
        (root / "specs/database").mkdir()
        (root / "specs/api/todos.md").write_text(_page("live"), encoding="utf-8")
        specs.write(root, _FACTS, Design())
        change(root / "specs/api")
        return specs.judged(root, _FACTS, _LIVE, [], {root / "specs/api/due-dates.md"})

    return Planted(name, look, frozenset(expected))


def _page(status: str, covers: str = "/api/todos", feature: str = "") -> str:
    return f"---\nstatus: {status}\n{feature}covers: {covers}\n---\n\n{specs.BLOCK}\n"


def _copied(folder: Path, feature: str = "") -> None:
    text = (folder / "todos.md").read_text(encoding="utf-8")
    (folder / "again.md").write_text(text.replace("covers:", f"{feature}covers:"), encoding="utf-8")


def _proposed(folder: Path, design: Design, status: str = "proposed") -> None:
    for name, text in pages(design).items():
        (folder.parents[1] / name).write_text(text.replace("proposed", status, 1), encoding="utf-8")


def _replaced(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def _record(root: Path) -> Iterable[Seen]:
    path = root / "history/prompts/due/0001-due.plan.prompt.md"
    path.parent.mkdir(parents=True)
    path.write_text("---\nid: 0001\nstage: plan\n---\n## Prompt\n## Outcome\n", encoding="utf-8")
    return project.written(root, Constitution())


def _imports(root: Path) -> Iterable[Seen]:
    (root / "pyproject.toml").write_text(_UPWARDS, encoding="utf-8")
    return project.written(root, Constitution())


SEEN = [
    _trace("nothing wrong with a call"),
    _trace("27 an operation whose handler was not found", "LIVE-0", chain=()),
    _trace("an owner who is refused", "LIVE-0", status=500),
    _trace("a handler that is no coroutine", "ASYNC-1", is_async=False),
    _trace("a call that blocks", "ASYNC-1", status=500, blocked_by="Blocking call to time.sleep"),
    _answer("a refusal as it should be"),
    _answer("22 a refusal without error_code", "ERR-2", error_code=...),
    _answer("a refusal that says another status", "ERR-2", status=403),
    _answer("FastAPI's own refusal", "ERR-2", media_type="application/json"),
    _pages("pages as they should be", lambda _: None),
    _pages("an operation without a specification", lambda at: (at / "todos.md").unlink(), "SPEC-1"),
    _pages("a specification that is stale",
           lambda at: _replaced(at / "todos.md", "`list_todos`", "`show_todos`"), "SPEC-1"),
    _pages("two pages of one thing", _copied, "SPEC-1"),
    _pages("a feature that adds to what has a page", lambda at: _copied(at, "feature: due\n")),
    _pages("a proposal that is served", lambda at: _proposed(at, _LIVE), "SPEC-2"),
    _pages("a proposal that does not verify any more", lambda at: _proposed(at, SOUND), "SPEC-2"),
    _pages("a status nobody knows", lambda at: _proposed(at, _LIVE, "drafted"), "SPEC-2"),
    _pages("a contract that is stale", lambda at: _replaced(at / "openapi.json", "get", "put"), "SPEC-3"),
    Planted("a principle that cites no rule", lambda at: project.written(at, _CITING), frozenset({"DOC-1"})),
    Planted("a record without its sections", _record, frozenset({"DOC-2"})),
    Planted("an import that points upwards", _imports, frozenset({"LAYER-1"})),
    Planted("a migration that does not go up",
            lambda _: project.migration_steps(DatabaseUrl.parse("postgresql://127.0.0.1:1/nothing")),
            frozenset({"DRY-2"})),
]  # fmt: skip


@pytest.mark.parametrize("planted", SEEN, ids=[planted.name for planted in SEEN])
async def test_what_is_seen_is_refused_by_its_rule_alone(planted: Planted, tmp_path: Path) -> None:
    looked = planted.look(tmp_path)
    seen = [one async for one in looked] if isinstance(looked, AsyncIterable) else list(looked)

    assert {one.rule for one in seen if one.fault} == planted.expected, seen


def test_a_rule_with_nothing_to_look_at_fails() -> None:
    nothing = Design()

    verdict = judge(Case("check", nothing, nothing, nothing, Constitution(), {}, {}))

    silent = {one.rule for one in verdict.findings if one.detail == NOTHING}
    asked = {rule.id for rule in RULES.values() if rule.only in {None, "check"}}
    assert silent == asked
