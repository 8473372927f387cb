"""The OpenAPI document: its operations as a design, and requests made up from it."""

import functools
import operator
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import uuid_utils.compat as uuids

from todo.architect.catalogue import Schema
from todo.architect.design import Access, Endpoint, Field

_JSON = "application/json"
_REFUSED = 400
_TYPES: dict[str, Any] = {"uuid": "uuid", "uuid7": "uuid", "date-time": "timestamp", "date": "date"}
_SAMPLES: dict[str, Callable[[], Any]] = {
    "integer": lambda: 1,
    "number": lambda: 1,
    "boolean": lambda: True,
    "uuid": lambda: str(uuids.uuid7()),
    "uuid7": lambda: str(uuids.uuid7()),
    "date-time": lambda: "2026-11-25T12:00:00Z",
    "date": lambda: "2026-11-25",
}


class Operation:
    """One operation of the document, with its references followed, and what can be sent to it."""

    def __init__(self, method: Any, path: str, described: dict[str, Any]) -> None:
        self.method = method
        self.path = path
        self.name = f"{method} {path}"
        self.is_public = not described.get("security")
        # What a parameter names lives at the address before it.
        self.collection = path.partition("/{")[0] if "{" in path else None
        self.query = {
            one["name"]: one["schema"] for one in described.get("parameters", []) if one["in"] == "query"
        }
        content = described.get("requestBody", {}).get("content", {})
        self.bodies = {media_type: body["schema"] for media_type, body in content.items()}
        self._described = described

    def at(self, item_id: str) -> str:
        """Give the address of one thing."""
        return re.sub(r"\{\w+\}", item_id, self.path)

    def samples(self, mark: str) -> list[tuple[str, Any]]:
        """Give a body that is accepted, of each media type; texts that are free say the mark."""
        return [
            (media_type, _sample(schema, mark) if media_type == _JSON else f"title\n{mark}\n")
            for media_type, schema in self.bodies.items()
        ] or [(_JSON, None)]

    def values(self, name: str, mark: str) -> list[Any]:
        """Give values of a parameter that are worth trying."""
        schema = self.query[name].get("items", self.query[name])
        is_switch = schema.get("type") == "boolean"
        otherwise = ["true"] if is_switch else [mark] if _is_free(schema) else []
        values: list[Any] = schema.get("enum", otherwise)
        return values

    def endpoint(self, schema: Schema, touched: set[str]) -> Endpoint:
        """Give it as part of a design; `touched` are the tables it was seen to use."""
        body: dict[str, Any] = next(iter(self.bodies.values()), {})
        answer, said = self._answer(), self._described
        lists = [
            it["items"] for it in answer.get("properties", {}).values() if "properties" in it.get("items", {})
        ]
        item = lists[0] if len(lists) == 1 else None
        statuses = sorted(int(status) for status in said["responses"])
        request, response = _members(body), _members(answer if item is None else item)
        parameters = [_member(name, it, is_required=False) for name, it in self.query.items()]
        return Endpoint(
            method=self.method,
            path=self.path,
            operation_id=said["operationId"],
            table=_table_of([*response, *request], schema, touched),
            summary=said.get("description", said.get("summary", "")).partition("\n")[0],
            request=[*request, *parameters] if self.method == "GET" else request,
            response=response,
            success=[status for status in statuses if status < _REFUSED],
            errors=[status for status in statuses if status >= _REFUSED],
            listing=self.method == "GET" and item is not None,
            paged={"total", "page"} <= set(answer.get("properties", {})),
            strict=not body or body.get("additionalProperties") is False,
        )

    def access(self) -> Access:
        """Give who may use it, as it declares."""
        if self.is_public:
            return Access(endpoint=self.name, level="public", ownership=False, claims=[])
        return Access(endpoint=self.name, claims=["sub", "scope"])

    def _answer(self) -> dict[str, Any]:
        for status, response in self._described["responses"].items():
            described = response.get("content", {}).get(_JSON)
            if int(status) < _REFUSED and described:
                schema: dict[str, Any] = described.get("schema", {})
                return schema
        return {}


def operations_of(document: dict[str, Any]) -> list[Operation]:
    """Give every operation of a document."""
    return [
        Operation(method.upper(), path, _whole(described, document))
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def _whole(node: Any, document: Any, within: tuple[str, ...] = ()) -> Any:
    """Put what is referred to in the place of a reference, and the other choice in that of one with null."""
    if isinstance(node, list):
        return [_whole(one, document, within) for one in node]
    if not isinstance(node, dict):
        return node
    if reference := node.get("$ref"):
        if reference in within:
            return {}
        found = functools.reduce(operator.getitem, reference.split("/")[1:], document)
        node, within = {**found, **node}, (*within, reference)
    node = {name: _whole(one, document, within) for name, one in node.items() if name != "$ref"}
    match [choice for choice in node.get("anyOf", []) if choice.get("type") != "null"]:
        case [only]:
            return {**node, **only, "anyOf": [], "nullable": True}
    return node


def _members(schema: dict[str, Any]) -> list[Field]:
    required = schema.get("required", [])
    members = schema.get("properties", {}).items()
    return [_member(name, described, is_required=name in required) for name, described in members]


def _member(name: str, schema: dict[str, Any], *, is_required: bool) -> Field:
    values = schema.get("items", schema)
    values = values.get("enum", [values["const"]] if "const" in values else [])
    return Field(
        name=name,
        type=_TYPES.get(schema.get("format", ""), schema.get("type", "object")),
        required=is_required,
        nullable=schema.get("nullable", False),
        max_length=schema.get("maxLength"),
        values=[str(value) for value in values] or None,
    )


def _table_of(fields: list[Field], schema: Schema, touched: set[str]) -> str | None:
    """Find the table that the members are columns of: the one that has most of them, and at least half."""
    names = {field.name for field in fields}

    def shared(table: str) -> int:
        return len(names & set(schema[table].columns.keys()))

    best = max(sorted(touched & set(schema)), key=shared, default=None)
    return best if best and 2 * shared(best) > len(names) else None


def _is_free(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "string" and not {"enum", "const", "format"} & set(schema)


def _sample(schema: dict[str, Any], mark: str) -> Any:
    if values := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return values[0]
    if members := schema.get("properties"):
        sample = dict(schema.get("examples", [{}])[0])
        free = [name for name in sample if _is_free(members[name])]
        missing = [name for name in schema.get("required", []) if name not in sample]
        return sample | {name: _sample(members[name], mark) for name in [*free, *missing]}
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return _sample(choices[0], mark)
    match schema.get("format", schema.get("type")):
        case "array":
            return [_sample(schema["items"], mark)] * schema.get("minItems", 0)
        case "string":
            longest = schema.get("maxLength", len(mark))
            return mark if longest >= len(mark) else uuid4().hex[:longest]
        case kind:
            return _SAMPLES.get(kind or "", lambda: None)()
