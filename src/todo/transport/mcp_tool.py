"""A verb as an MCP tool: its arguments are one model, its schemas lean, its refusals those of the API."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Self

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import TypeAdapter, ValidationError

from todo.problems import FieldError, Problem, ValidationFailed, json_pointer
from todo.transport.lean_schema import lean
from todo.transport.mcp_answer import refusal
from todo.transport.problem_json import NOT_NULL, members

WANTED = "wanted"


class ServiceTool(Tool):
    """A tool whose function takes what is wanted as one model; its fields are the tool's arguments."""

    @classmethod
    def of(
        cls,
        verb: Callable[..., Awaitable[CallToolResult | InputRequiredResult]],
        annotations: ToolAnnotations,
    ) -> Self:
        """Make the tool of a verb; the verb's docstring is what agents read of it."""
        tool = cls(**dict(Tool.from_function(verb, annotations=annotations)))
        metadata = tool.fn_metadata
        if WANTED in metadata.arg_model.model_fields:
            wanted: Any = metadata.arg_model.model_fields[WANTED].annotation
            tool.parameters = TypeAdapter(wanted).json_schema()
        tool.parameters = lean(tool.parameters, described=True)
        # As it is written, not as it would be read: the API's own.
        answers = TypeAdapter(metadata.output_model).json_schema(mode="serialization")
        metadata.output_schema = lean(answers, described=False)
        return tool

    async def run(
        self,
        arguments: dict[str, Any],
        context: Context[Any, Any],
        convert_result: bool = False,  # noqa: FBT001, FBT002  # as the SDK has it
    ) -> CallToolResult | InputRequiredResult:
        """Run it; what the product foresees is an answer that says so."""
        arguments = self._unquoted(arguments)
        try:
            result: CallToolResult | InputRequiredResult = await super().run(
                {WANTED: arguments}, context, convert_result
            )
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, Problem):
                return refusal(cause)
            if isinstance(cause, ValidationError) and not isinstance(error, UnexpectedToolError):
                errors = [_field_error(one, arguments) for one in cause.errors() if one["type"] != NOT_NULL]
                return refusal(ValidationFailed(errors=errors))
            raise
        return result

    def _unquoted(self, arguments: dict[str, Any]) -> dict[str, Any]:
        # Some clients send a list or an object as a string that holds its JSON.
        return {name: _read(value, self._kind(name)) for name, value in arguments.items()}

    def _kind(self, name: str) -> str | None:
        kind: str | None = self.parameters["properties"].get(name, {}).get("type")
        return kind


def _read(value: Any, kind: str | None) -> Any:
    if kind != "array" or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _field_error(error: Any, arguments: dict[str, Any]) -> FieldError:
    steps = [step for step in error["loc"] if step != WANTED]
    path = members(steps, arguments, is_missing=error["type"] == "missing")
    detail = error["msg"].removeprefix("Value error, ")
    return {"location": "body", "pointer": json_pointer(path), "code": error["type"], "detail": detail}
