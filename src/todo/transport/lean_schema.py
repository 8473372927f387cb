"""JSON schemas as agents pay for them: the same values pass, without what a model learns nothing from."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

# Names say what titles repeat; a refusal says in better words what a pattern means.
_LEFT_OUT = {"title", "examples", "pattern"}
_REFERENCE = "#/$defs/"

Schema = dict[str, Any]


def lean(schema: Schema, *, described: bool) -> Schema:
    """Give the schema without titles, examples and patterns; what is used once stands where it is used."""
    root = _plain(schema, described=described)
    definitions: dict[str, Schema] = root.pop("$defs", {})
    uses = Counter(_references([root, *definitions.values()]))
    shared = {name: definitions.pop(name) for name in list(definitions) if uses[name] > 1}
    shared = {name: _inlined(one, definitions) for name, one in shared.items()}
    root = _inlined(root, definitions)
    return {**root, "$defs": shared} if shared else root


def _plain(schema: Schema, *, described: bool) -> Schema:
    # What an object is, the tool's description says already.
    is_told = described and schema.get("type") != "object"
    kept: Schema = {
        name: _each(name, value, described=described)
        for name, value in schema.items()
        if name not in _LEFT_OUT and (is_told or name != "description")
    }
    if kept.get("default", "") is None:
        del kept["default"]
    return _nullable(kept)


def _each(name: str, value: Any, *, described: bool) -> Any:
    if name in {"properties", "$defs"}:
        return {member: _plain(one, described=described) for member, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, described=described) if isinstance(one, dict) else one for one in value]
    return _plain(value, described=described) if isinstance(value, dict) else value


def _nullable(schema: Schema) -> Schema:
    """Say in one word what may also be null."""
    choices = schema.get("anyOf")
    if not choices or choices[1:] != [{"type": "null"}] or "enum" in choices[0] or "type" not in choices[0]:
        return schema
    others = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**choices[0], "type": [choices[0]["type"], "null"], **others}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name == "$ref":
                yield one.removeprefix(_REFERENCE)
            else:
                yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _inlined(value: Any, definitions: Mapping[str, Schema]) -> Any:
    if isinstance(value, list):
        return [_inlined(one, definitions) for one in value]
    if not isinstance(value, dict):
        return value
    definition = definitions.get(value.get("$ref", "").removeprefix(_REFERENCE))
    if definition is not None:
        value = {**definition, **{name: one for name, one in value.items() if name != "$ref"}}
    return {name: _inlined(one, definitions) for name, one in value.items()}
