"""Requests made up from the OpenAPI document: valid ones, and such as must be refused."""

import re
from typing import Any
from uuid import uuid4

import uuid_utils.compat as uuids

from todo.architect.openapi import Document

_PARAMETER = re.compile(r"\{(\w+)\}")
_FREE_LENGTH = 60
_JSON = "application/json"


class Operation:
    """One operation of the document, and what can be sent to it."""

    def __init__(self, document: Document, method: str, path: str, described: dict[str, Any]) -> None:
        self.document = document
        self.method = method
        self.path = path
        self.described = described
        self.name = f"{method} {path}"
        self.is_public = not described.get("security")
        # What a parameter names lives at the address before it.
        self.collection = path.partition("/{")[0] if "{" in path else None

    def at(self, item_id: str) -> str:
        """Give the address of one thing."""
        return _PARAMETER.sub(item_id, self.path)

    def query(self) -> dict[str, dict[str, Any]]:
        """Give the schemas of its parameters in the query."""
        entries = self.described.get("parameters", [])
        return {one["name"]: self.document.resolve(one["schema"]) for one in entries if one["in"] == "query"}

    def bodies(self, mark: str) -> list[tuple[str, Any]]:
        """Give a body that is accepted, of each media type; texts that are free say the mark."""
        bodies = self.document.bodies(self.described).items()
        return [
            (media_type, self._value(schema, mark) if media_type == _JSON else f"title\n{mark}\n")
            for media_type, schema in bodies
        ] or [(_JSON, None)]

    def values(self, name: str, mark: str) -> list[Any]:
        """Give values of a parameter that are worth trying."""
        schema = self.query()[name]
        inner = self.document.resolve(schema.get("items", {})) if schema.get("type") == "array" else schema
        if "enum" in inner:
            return list(inner["enum"])
        if inner.get("type") == "boolean":
            return ["true"]
        return [mark] if _is_free(inner) else []

    def _value(self, schema: dict[str, Any], mark: str) -> Any:
        schema = self.document.resolve(schema)
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        choices = schema.get("oneOf") or schema.get("anyOf")
        if choices and "properties" not in schema:
            return self._value(choices[0], mark)
        match "object" if "properties" in schema else schema.get("type"):
            case "object":
                return self._object(schema, mark)
            case "array":
                return [self._value(schema.get("items", {}), mark)] * schema.get("minItems", 0)
        return _scalar(schema, mark)

    def _object(self, schema: dict[str, Any], mark: str) -> dict[str, Any]:
        example = dict(schema.get("examples", [{}])[0])
        properties = schema.get("properties", {})
        for name in {*schema.get("required", []), *example}:
            member = self.document.resolve(properties.get(name, {}))
            if name not in example or _is_free(member):
                example[name] = self._value(member, mark)
        return example


def _is_free(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "string" and not {"enum", "const", "format"} & set(schema)


def _scalar(schema: dict[str, Any], mark: str) -> Any:
    match schema.get("format", schema.get("type")):
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return schema.get("default", True)
        case "uuid" | "uuid7":
            return str(uuids.uuid7())
        case "date-time":
            return "2026-11-25T12:00:00Z"
        case "date":
            return "2026-11-25"
    longest = schema.get("maxLength", _FREE_LENGTH)
    return mark[:longest] if longest >= len(mark) else uuid4().hex[:longest]
