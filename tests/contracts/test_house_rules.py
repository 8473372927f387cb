"""Rules of the house that imports cannot see."""

import ast
import inspect
import json
import re
from pathlib import Path

import todo
from todo.architect.specs import Page
from todo.features.account.service import AccountService
from todo.features.activity.service import ActivityService
from todo.features.keys.service import KeyService
from todo.features.todos.service import TodoReader, TodoService, TodoWriter
from todo.problems import Problem
from todo.transport import problem_json

SOURCE = Path(todo.__file__).parent
SPECS = Path(__file__).parents[2] / "specs/api"
MODULES = sorted(SOURCE.rglob("*.py"))
SERVING = [path for path in MODULES if "migrations" not in path.parts]
# An agent is not offline: it has no ids of its own, no copy to keep, and nothing to catch up on.
NOT_FOR_AGENTS = {"batch_todos", "follow_changes", "list_changes", "put_todo"}
# Time asks for the first; the next is a batch as agents make it, one verb for many todos; the last is a
# creation with a key.
NOT_OVER_HTTP = {"purge_trash", "change_todos", "create_todo_once"}
READING = {"list_todos", "get_todo"}
CHANGING = {"create_todo", "update_todo", "complete_todo", "reopen_todo", "delete_todo", "restore_todo"}
# What agents change, they change many of at once.
TOOLS = READING | {f"{verb}s" for verb in CHANGING} | {"undo", "whoami"}


def test_one_place_commits() -> None:
    commits = [
        path for path in SERVING if re.search(r"\bCOMMIT\b|\.commit\(", path.read_text(encoding="utf-8"))
    ]

    assert commits == [SOURCE / "database/transaction.py"]


def test_a_setting_of_the_database_never_outlives_its_transaction() -> None:
    plain_set = re.compile(r"""["' ;]SET (?!LOCAL|role|\{)[a-z_.]+ *(=|TO)""")

    assert [path for path in SERVING if plain_set.search(path.read_text(encoding="utf-8"))] == []


def verbs_of(service: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(service, inspect.isfunction) if not name.startswith("_")}


def operations_of(noun: str) -> set[str]:
    paths = json.loads((SPECS / "openapi.json").read_text(encoding="utf-8"))["paths"]
    return {
        operation["operationId"]
        for path, methods in paths.items()
        for operation in methods.values()
        if path.startswith(tuple(Page.read(SPECS / f"{noun}.md").covers))
    }


def test_one_verb_all_the_way_down() -> None:
    operations = operations_of("todos")

    assert (
        (verbs_of(TodoReader) | verbs_of(TodoWriter) | verbs_of(TodoService)) - NOT_OVER_HTTP
        == operations
        == READING | CHANGING | NOT_FOR_AGENTS
    )
    assert verbs_of(AccountService) == operations_of("account")
    assert verbs_of(ActivityService) == operations_of("activity")
    assert verbs_of(KeyService) == operations_of("keys")


def test_every_module_opens_with_a_sentence() -> None:
    silent = [
        path
        for path in MODULES
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert silent == []


def test_every_foreseen_status_is_a_problem_of_its_own() -> None:
    statuses = [problem.status for problem in Problem.__subclasses__()]

    assert len(statuses) == len(set(statuses))
    assert {401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 429, 500, 503} == set(
        problem_json._BY_STATUS
    )


def test_every_operation_documents_its_problems_in_one_shape() -> None:
    paths = json.loads((SPECS / "openapi.json").read_text(encoding="utf-8"))["paths"]

    shapes = {
        (content_type, content["schema"]["$ref"])
        for methods in paths.values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        for content_type, content in response.get("content", {}).items()
        if status >= "400"
    }

    assert shapes == {("application/problem+json", "#/components/schemas/Problem")}
