"""Rules about what was seen of the running system, each on something seen that only it refuses."""

from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from todo.architect.constitution import Constitution, Principle
from todo.architect.design import Access, ApiDesign, AuthDesign, Change, Design, Endpoint, SchemaDesign
from todo.architect.evidence import Answer, Case, Evidence, Looked, Page, Trace
from todo.architect.judge import judge
from todo.architect.rules import RULES

_TODO = Endpoint(
    method="GET", path="/api/todos", operation_id="list_todos", errors=[401, 503], mcp_tool="list_todos"
)
_LIVE = Design(
    api=ApiDesign(endpoints=[_TODO]),
    db=SchemaDesign(changes=[Change(table="todos", sql="CREATE TABLE todos (created_at timestamptz)")]),
    auth=AuthDesign(rules=[Access(endpoint=_TODO.name, claims=[])]),
)
_TODOS = sa.Table(
    "todos", sa.MetaData(), sa.Column("created_at", sa.DateTime(timezone=True)), info={"owner": None}
)
_TABLES = {"todos": _TODOS}
_PROBLEM = {"status": 401, "detail": "no", "error_code": "unauthenticated"}
_REFUSAL = Answer(_TODO.name, "anonymous", 401, "application/problem+json", _PROBLEM)
_TRACE = Trace(_TODO.name, ("SignedInRoute", "reading"), is_async=True, status=200)
_PAGES = (
    Page("specs/api/todos.md", "live", (_TODO.name,)),
    Page("specs/database/todos.md", "live", ("todos",)),
)


class Seen(NamedTuple):
    """Something seen, and the rules that refuse it."""

    name: str
    evidence: dict[str, Any]
    expected: frozenset[str]
    principles: dict[str, list[str]] = {}  # noqa: RUF012  # not changed


def _seen(name: str, *expected: str, principles: dict[str, list[str]] | None = None, **evidence: Any) -> Seen:
    return Seen(name, evidence, frozenset(expected), principles or {"Names": ["NAME-1", "review"]})


def _looked(name: str, rule: str, at: str, fault: str) -> Seen:
    return _seen(name, rule, looked={rule: [Looked(at, fault)]})


def _answer(**changed: Any) -> tuple[Answer, ...]:
    return (_REFUSAL._replace(**changed),)


def _page(**changed: Any) -> tuple[Page, ...]:
    return (_PAGES[0]._replace(**changed), _PAGES[1])


SEEN = [
    _seen("nothing wrong"),
    _seen("27 a router whose operations were not found", "LIVE-0", traces=()),
    _seen("an owner who is refused", "LIVE-0", traces=(Trace(_TODO.name, ("route",), True, 500),)),
    _seen("a handler that is no coroutine", "ASYNC-1", traces=(Trace(_TODO.name, ("route",), False, 200),)),
    _seen("22 a refusal without error_code", "ERR-2", answers=_answer(body={"status": 401, "detail": "no"})),
    _seen("FastAPI's own refusal", "ERR-2", answers=_answer(media_type="application/json", body={})),
    _seen("an operation without a specification", "SPEC-1", pages=_PAGES[1:]),
    _seen("a specification that is stale", "SPEC-1", pages=_page(is_current=False)),
    _seen(
        "a proposal that is served",
        "SPEC-2",
        pages=(*_PAGES, Page("specs/api/due.md", "proposed", (), is_served=True)),
    ),
    _seen(
        "a proposal that does not verify any more",
        "SPEC-2",
        pages=(*_PAGES, Page("specs/api/due.md", "proposed", (), is_verified=False)),
    ),
    _seen(
        "a feature that adds to what has a page",
        pages=(*_PAGES, Page("specs/api/due.md", "live", (_TODO.name,), is_feature=True)),
    ),
    _seen("two pages of one thing", "SPEC-1", pages=(*_PAGES, _PAGES[0])),
    _looked("a contract that is stale", "SPEC-3", "specs/api/openapi.json", "is stale"),
    _seen("a principle that cites no rule", "DOC-1", principles={"Names": ["NAME-7"]}),
    _looked("a record with a placeholder", "DOC-2", "history/x.md", "a placeholder is left"),
    _looked("an import that points upwards", "LAYER-1", "No cycles", "is broken"),
    _looked("a migration that does not go back", "DRY-2", "downgrade", "no such column"),
]  # fmt: skip


def judged(seen: Seen) -> set[str]:
    """Give the rules that found something; where there was nothing to look at is another matter."""
    evidence = Evidence(
        **{
            "traces": (_TRACE,),
            "answers": (_REFUSAL,),
            "pages": _PAGES,
            "tools": frozenset({"list_todos"}),
            **seen.evidence,
        }
    )
    constitution = Constitution(principles=[Principle(*one) for one in seen.principles.items()])
    verdict = judge(Case("check", _LIVE, _LIVE, _LIVE, constitution, evidence, _TABLES, _TABLES))
    return {one.rule for one in verdict.findings if one.detail != "there was nothing to look at"}


@pytest.mark.parametrize("seen", SEEN, ids=[seen.name for seen in SEEN])
def test_what_was_seen_is_refused_by_its_rule_alone(seen: Seen) -> None:
    assert judged(seen) == seen.expected


def test_a_rule_with_nothing_to_look_at_fails() -> None:
    nothing = Design()

    verdict = judge(Case("check", nothing, nothing, nothing, Constitution(), Evidence(), {}, {}))

    silent = {one.rule for one in verdict.findings if one.detail == "there was nothing to look at"}
    assert silent == {rule.id for rule in RULES.values() if "check" in rule.phases}
