"""The OpenAPI document: its operations as a design, and requests made up from it."""

import functools
import operator
import re
from typing import Any
from uuid import uuid4

import uuid_utils.compat as uuids

from todo.architect.design import Access, Endpoint, Field
from todo.architect.schema import Schema

_JSON = "application/json"
_REFUSED = 400
_SAMPLES = {
    "boolean": True,
    "integer": 1,
    "number": 1,
    "date-time": "2026-11-25T12:00:00Z",
    "date": "2026-11-25",
}
_TYPES: dict[str, Any] = {"uuid": "uuid", "uuid7": "uuid", "date-time": "timestamp", "date": "date"}


class Operation:
    """One operation of the document, with its references followed, and what can be sent to it."""

    def __init__(self, method: Any, path: str, described: dict[str, Any]) -> None:
        self.method = method
        self.path = path
        self.name = f"{method} {path}"
        self.is_public = not described.get("security")
        # What a parameter names lives at the address before it.
        self.collection = path.partition("/{")[0] if "{" in path else None
        parameters = described.get("parameters", [])
        self.query = {one["name"]: one["schema"] for one in parameters if one["in"] == "query"}
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
        otherwise = ["true"] if schema.get("type") == "boolean" else [mark] if _is_free(schema) else []
        values: list[Any] = schema.get("enum", otherwise)
        return values

    def endpoint(self, schema: Schema, touched: set[str]) -> Endpoint:
        """Give it as part of a design; `touched` are the tables it was seen to use."""
        body: dict[str, Any] = next(iter(self.bodies.values()), {})
        statuses = sorted(int(status) for status in self._described["responses"])
        members, is_list = self._answer()
        request, response = _members(body), _members(members)
        parameters = [_member(name, it, is_required=False) for name, it in self.query.items()]
        names = {field.name for field in [*request, *response]}
        shared = {name: len(names & {*schema[name].columns.keys()}) for name in sorted(touched & set(schema))}
        best = max(shared, key=lambda name: shared[name], default="")
        return Endpoint(
            method=self.method,
            path=self.path,
            operation_id=self._described["operationId"],
            # The one that has most of its members, and at least half.
            table=best if 2 * shared.get(best, 0) > len(names) else None,
            summary=self._described.get("description", "").partition("\n")[0],
            request=[*request, *parameters] if self.method == "GET" else request,
            response=response,
            success=[status for status in statuses if status < _REFUSED],
            errors=[status for status in statuses if status >= _REFUSED],
            listing=self.method == "GET" and is_list,
            paged={"total", "page"} <= set(self._schema.get("properties", {})),
            strict=not body or body.get("additionalProperties") is False,
        )

    def access(self) -> Access:
        """Give who may use it, as it declares."""
        if self.is_public:
            return Access(endpoint=self.name, level="public", ownership=False, claims=[])
        return Access(endpoint=self.name, claims=["sub", "scope"])

    @functools.cached_property
    def _schema(self) -> dict[str, Any]:
        """What it answers where it succeeds."""
        for status, response in self._described["responses"].items():
            if status < "400" and _JSON in response.get("content", {}):
                schema: dict[str, Any] = response["content"][_JSON].get("schema", {})
                return schema
        return {}

    def _answer(self) -> tuple[dict[str, Any], bool]:
        """Give what describes one thing of its answer, and whether that is a list of them."""
        items = [it.get("items", {}) for it in self._schema.get("properties", {}).values()]
        things = [it for it in items if "properties" in it]
        return (things[0], True) if len(things) == 1 else (self._schema, False)


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


def _is_free(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "string" and not {"enum", "const", "format"} & set(schema)


def _sample(schema: dict[str, Any], mark: str) -> Any:
    if values := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return values[0]
    if members := schema.get("properties"):
        sample = dict(schema.get("examples", [{}])[0])
        told = [name for name in members if name in sample and _is_free(members[name])]
        missing = [name for name in schema.get("required", []) if name not in sample]
        return sample | {name: _sample(members[name], mark) for name in [*told, *missing]}
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return _sample(choices[0], mark)
    kind = schema.get("format", schema.get("type"))
    if kind == "array":
        return [_sample(schema["items"], mark)] * schema.get("minItems", 0)
    if kind == "string":
        longest = schema.get("maxLength", len(mark))
        return mark if longest >= len(mark) else uuid4().hex[:longest]
    return str(uuids.uuid7()) if str(kind).startswith("uuid") else _SAMPLES.get(str(kind))
