"""Schemas as agents are shown them: shorter, and true to the API's."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from todo.features.todos.schemas import TodoEdits, TodoFilter, TodoPage, TodoRead
from todo.transport.lean_schema import lean

_SPECS = Path(__file__).parents[2] / "specs/api"
_ID = "019a5e2c-7a10-7c3e-9d52-6b1f0c4a8e21"
_READ = {
    "id": _ID,
    "title": "Water the plants",
    "description": None,
    "priority": "high",
    "is_completed": False,
    "completed_at": None,
    "created_at": "2026-11-23T08:15:30.123456Z",
    "updated_at": "2026-11-23T08:15:30.123456Z",
    "deleted_at": None,
    "version": 1,
}
_PAGE = {"limit": 1, "offset": None, "next_cursor": "x", "has_more": True}


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (TodoRead, _READ),
        (TodoRead, {**_READ, "title": None}),
        (TodoRead, {**_READ, "description": 7}),
        (TodoRead, {**_READ, "priority": "highest"}),
        (TodoRead, {name: value for name, value in _READ.items() if name != "completed_at"}),
        (TodoPage, {"items": [_READ], "total": 1, "page": _PAGE}),
        (TodoPage, {"items": [_READ], "total": 1, "page": {**_PAGE, "offset": "0"}}),
        (TodoPage, {"items": [{}], "total": 1, "page": _PAGE}),
        (TodoFilter, {"priority": ["low"], "sort": "-title", "limit": 100}),
        (TodoFilter, {"due": "today"}),
        (TodoFilter, {"limit": 101}),
        (TodoEdits, {"todos": [{"id": _ID, "description": None}]}),
        (TodoEdits, {"todos": []}),
        (TodoEdits, {"todos": [{"id": _ID, "title": "x" * 201}]}),
        (TodoEdits, {"todos": [{"title": "Whose?"}]}),
    ],
)
def test_a_lean_schema_lets_pass_what_the_whole_one_does(model: type[BaseModel], value: Any) -> None:
    whole = model.model_json_schema()

    assert is_valid(value, lean(whole, described=True)) == is_valid(value, whole)
    assert is_valid(value, lean(whole, described=False)) == is_valid(value, whole)


def is_valid(value: Any, schema: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def test_a_member_called_title_stays() -> None:
    assert lean(TodoRead.model_json_schema(), described=False)["properties"]["title"] == {"type": "string"}


def test_tools_answer_with_the_models_of_the_api() -> None:
    openapi = (_SPECS / "openapi.json").read_text(encoding="utf-8")
    tools = json.loads((_SPECS / "tools.json").read_text(encoding="utf-8"))
    api = json.loads(openapi.replace("#/components/schemas/", "#/$defs/"))["components"]["schemas"]
    answers = {tool["name"]: tool["outputSchema"] for tool in tools}
    todo = lean({**api["TodoRead"], "$defs": part(api, "Priority")}, described=False)
    parts = part(api, "TodoRead", "PageInfo", "Priority")
    page = lean({**api["TodoPage"], "$defs": parts}, described=False)

    assert answers.pop("get_todo") == todo
    assert answers.pop("list_todos") == page
    answers.pop("whoami")
    undone = part(api, "TodoUndone", "UndoOutcome", "ChangeMade", "ChangeKind", "TodoRead", "Priority")
    undo = lean({**api["UndoResult"], "$defs": undone}, described=False)
    assert answers.pop("undo")["properties"].items() >= undo["properties"].items()
    for answer in answers.values():
        items = answer["properties"]["todos"]["items"]
        assert (answer["$defs"]["TodoRead"] if "$ref" in items else items) == todo


def part(schemas: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: schemas[name] for name in names}
