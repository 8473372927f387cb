"""The OpenAPI document as a design: endpoints, their members, and who may use them."""

from collections.abc import Iterator
from typing import Any

from todo.architect.model import Access, Endpoint, Field, SchemaDesign, Table

_TYPES: dict[str, Any] = {"uuid": "uuid", "uuid7": "uuid", "date-time": "timestamp", "date": "date"}
_REFUSED = 400


class Document:
    """An OpenAPI document, with its references followed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Give method, path and description of each operation."""
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference, and take a choice with null for the other choice."""
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
        if len(choices) == 1:
            return self.resolve({**schema, **choices[0], "anyOf": []})
        return schema

    def bodies(self, operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Give the schema of what an operation takes, for each media type."""
        content = operation.get("requestBody", {}).get("content", {})
        return {media_type: self.resolve(described["schema"]) for media_type, described in content.items()}

    def answer(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Give the schema of what an operation answers when it succeeds; empty if it has no body."""
        for status, response in operation["responses"].items():
            described = response.get("content", {}).get("application/json")
            if int(status) < _REFUSED and described:
                return self.resolve(described.get("schema", {}))
        return {}

    def problem(self) -> dict[str, Any]:
        """Give the one schema of refusals; empty unless all that are declared share it."""
        shapes = {
            (media_type, str(described.get("schema")))
            for _, _, operation in self.operations()
            for status, response in operation["responses"].items()
            for media_type, described in response.get("content", {}).items()
            if int(status) >= _REFUSED
        }
        if len(shapes) != 1:
            return {}
        return self._document["components"]["schemas"].get("Problem", {})  # type: ignore[no-any-return]

    def members(self, schema: dict[str, Any]) -> list[Field]:
        """Give the members of an object."""
        required = schema.get("required", [])
        return [
            self._member(name, described, is_required=name in required)
            for name, described in schema.get("properties", {}).items()
        ]

    def _member(self, name: str, described: dict[str, Any], *, is_required: bool) -> Field:
        schema = self.resolve(described)
        is_nullable = any(choice.get("type") == "null" for choice in described.get("anyOf", []))
        kind = schema.get("type", "object")
        return Field(
            name=name.replace("-", "_"),
            type=_TYPES.get(schema.get("format", ""), kind if kind != "null" else "object"),
            required=is_required,
            nullable=is_nullable,
            min_length=schema.get("minLength"),
            max_length=schema.get("maxLength", _length_of(schema)),
            values=[str(value) for value in _values(schema)] or None,
        )

    def endpoint(
        self, method: Any, path: str, operation: dict[str, Any], schema: SchemaDesign, touched: set[str]
    ) -> Endpoint:
        """Give one operation as a design; `touched` are the tables it was seen to use."""
        body = next(iter(self.bodies(operation).values()), None)
        answer = self.answer(operation)
        item = self._item_of(answer)
        statuses = sorted(int(status) for status in operation["responses"])
        response = self.members(answer if item is None else item)
        request = self.members(body or {})
        query = [
            self._parameter(entry) for entry in operation.get("parameters", []) if entry["in"] == "query"
        ]
        return Endpoint(
            method=method,
            path=path,
            operation_id=operation["operationId"],
            table=_table_of([*response, *request], schema, touched),
            summary=operation.get("description", operation.get("summary", "")).partition("\n")[0],
            request=[*request, *query] if method == "GET" else request,
            response=response,
            success=[status for status in statuses if status < _REFUSED],
            errors=[status for status in statuses if status >= _REFUSED],
            listing=method == "GET" and item is not None,
            paged={"total", "page"} <= set(answer.get("properties", {})),
            strict=body is None or body.get("additionalProperties") is False,
        )

    def _parameter(self, entry: dict[str, Any]) -> Field:
        return self._member(entry["name"], entry["schema"], is_required=entry.get("required", False))

    def _item_of(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        lists = [
            schema
            for described in answer.get("properties", {}).values()
            if (schema := self.resolve(described)).get("type") == "array"
        ]
        item = self.resolve(lists[0].get("items", {})) if len(lists) == 1 else {}
        return item if "properties" in item else None


def access_of(method: str, path: str, operation: dict[str, Any], chain: tuple[str, ...]) -> Access:
    """Give who may use an operation: what it declares, and what it depends on."""
    is_open = not operation.get("security")
    is_writing = any("writing" in step for step in chain)
    return Access(
        endpoint=f"{method} {path}",
        level="public" if is_open else "authenticated",
        ownership=not is_open,
        claims=[] if is_open else ["sub", "scope"],
        scope=None if is_open else "todo:write" if is_writing else "todo:read",
    )


def _table_of(fields: list[Field], schema: SchemaDesign, touched: set[str]) -> str | None:
    """Find the table that the members are columns of: the one that has most of them, and at least half."""
    names = {field.name for field in fields}

    def shared(table: Table) -> int:
        return len(names & {column.name for column in table.columns})

    tables = [table for table in schema.tables if table.name in touched]
    best = max(tables, key=shared, default=None)
    return best.name if best is not None and names and 2 * shared(best) > len(names) else None


def _values(schema: dict[str, Any]) -> list[Any]:
    inner = schema.get("items", {}) if schema.get("type") == "array" else schema
    return inner.get("enum", [inner["const"]] if "const" in inner else [])  # type: ignore[no-any-return]


def _length_of(schema: dict[str, Any]) -> int | None:
    """Give the longest text a schema takes where its pattern says so."""
    pattern = schema.get("pattern", "")
    bound = pattern.rpartition("{")[2].partition("}")[0].rpartition(",")[2]
    return int(bound) if pattern.startswith("^") and pattern.endswith("}$") and bound.isdigit() else None
