"""What the official conformance suite looks for on a server, by the names that it gives."""

import base64
import json
from typing import Annotated, Any, Literal

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer, Resolve, Sample, UserMessage
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import (
    AudioContent,
    Completion,
    CompletionArgument,
    CompletionContext,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import BaseModel, Field

Answer = str | InputRequiredResult
Asking = Context[None, Any]

_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
_WAV = base64.b64encode(
    b"RIFF&\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0@\x1f\0\0\x80>\0\0\x02\0\x10\0data\x02\0\0\0\0\0"
).decode()
_IMAGE = ImageContent(type="image", data=_PNG, mime_type="image/png")
_ROOTS = ListRootsRequest()


def add_stand_ins(server: MCPServer[None]) -> None:
    """Add everything to a server, beside what it has."""
    for tool in _TOOLS:
        server.add_tool(tool)
    for prompt in _PROMPTS:
        server.prompt()(prompt)
    server.resource("test://static-text", mime_type="text/plain")(static_text)
    server.resource("test://static-binary", mime_type="image/png")(static_binary)
    server.resource("test://watched-resource", mime_type="text/plain")(watched_resource)
    server.resource("test://template/{id}/data", mime_type="application/json")(template_data)
    server.completion()(complete)  # type: ignore[no-untyped-call]  # the SDK's own omission
    # These two ended with 2025-11-25, and a server of tools has no way to say that it has them.
    lowlevel = server._lowlevel_server
    lowlevel.add_request_handler("logging/setLevel", SetLevelRequestParams, accept)
    lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, accept)
    lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, accept)


async def accept(_context: ServerRequestContext[Any, Any], _params: object) -> EmptyResult:
    return EmptyResult()


async def complete(
    _ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    _context: CompletionContext | None,
) -> Completion:
    values = [word for word in ("paris", "park", "party", "test") if word.startswith(argument.value)]
    return Completion(values=values, total=len(values), has_more=False)


def static_text() -> str:
    """A text that stays as it is."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """A picture of one pixel."""
    return base64.b64decode(_PNG)


def watched_resource() -> str:
    """A text that somebody may want to watch."""
    return "Watched."


def template_data(id: str) -> str:  # noqa: A002  # its name in the address
    """The data of one number."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


def test_simple_prompt() -> str:
    """One sentence."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """A sentence with two words of the caller's."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803  # the suite's name
    """A resource, and what to do with it."""
    embedded = _embedded(resourceUri, "Embedded resource content for testing.")
    return [UserMessage(embedded), UserMessage("Please process the embedded resource above.")]


def test_prompt_with_image() -> list[UserMessage]:
    """A picture, and what to do with it."""
    return [UserMessage(_IMAGE), UserMessage("Please analyze the image above.")]


async def test_input_required_result_prompt(ctx: Asking) -> Answer:
    """A prompt that needs to know something first."""
    context = _said(ctx, "user_context", "context")
    return f"Context: {context}" if context else _ask(user_context=_form("Which context?", "context"))


def test_simple_text() -> str:
    """Say one sentence."""
    return "This is a simple text response for testing."


def test_image_content() -> ImageContent:
    """Show a picture."""
    return _IMAGE


def test_audio_content() -> AudioContent:
    """Play a sound."""
    return AudioContent(type="audio", data=_WAV, mime_type="audio/wav")


def test_embedded_resource() -> EmbeddedResource:
    """Give a resource."""
    return _embedded("test://embedded-resource", "This is an embedded resource content.")


def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Give a text, a picture and a resource."""
    text = TextContent(type="text", text="Multiple content types test:")
    document = _embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json")
    return [text, _IMAGE, document]


def test_error_handling() -> str:
    """Fail."""
    raise ToolError("This tool intentionally returns an error for testing")


async def test_tool_with_logging(ctx: Asking) -> str:
    """Say what it does while doing it."""
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(message)
    return "Done."


async def test_logging_tool(ctx: Asking) -> str:
    """Say what it does, if somebody wants to know."""
    return await test_tool_with_logging(ctx)


async def test_tool_with_progress(ctx: Asking) -> str:
    """Report how far it is."""
    for progress in (0, 50, 100):
        await ctx.report_progress(progress, total=100)
    return "Done."


async def test_trigger_tool_change(ctx: Asking) -> str:
    """Announce other tools."""
    await ctx.notify_tools_changed()
    return "Announced."


async def test_trigger_prompt_change(ctx: Asking) -> str:
    """Announce other prompts."""
    await ctx.notify_prompts_changed()
    return "Announced."


def ask_model() -> Sample:
    return Sample([_message("Say anything.")], max_tokens=10)


def test_missing_capability(answer: Annotated[CreateMessageResult, Resolve(ask_model)]) -> str:
    """Need a model of the client's."""
    return str(answer.content)


async def test_streaming_elicitation(ctx: Asking) -> Answer:
    """Ask for a name."""
    return await test_input_required_result_elicitation(ctx)


async def test_input_required_result_elicitation(ctx: Asking) -> Answer:
    """Ask for a name, and greet."""
    name = _said(ctx, "user_name", "name")
    return f"Hello, {name}!" if name else _ask(user_name=_form("What is your name?", "name"))


async def test_input_required_result_sampling(ctx: Asking) -> Answer:
    """Ask the client's model."""
    answer = (ctx.input_responses or {}).get("capital_question")
    if isinstance(answer, CreateMessageResult):
        return str(answer.content)
    return _ask(capital_question=_question("What is the capital of France?"))


async def test_input_required_result_list_roots(ctx: Asking) -> Answer:
    """Ask for the client's folders."""
    answer = (ctx.input_responses or {}).get("client_roots")
    if isinstance(answer, ListRootsResult):
        return " ".join(str(root.uri) for root in answer.roots)
    return _ask(client_roots=_ROOTS)


async def test_input_required_result_request_state(ctx: Asking) -> Answer:
    """Ask, and know from the answer that it was asked."""
    if ctx.request_state == "asked" and ctx.input_responses:
        return "state-ok"
    return _ask("asked", confirm=_form("Please confirm", "ok", "boolean"))


async def test_input_required_result_tampered_state(ctx: Asking) -> Answer:
    """Ask, and refuse what somebody else wrote in between."""
    return await test_input_required_result_request_state(ctx)


async def test_input_required_result_multiple_inputs(ctx: Asking) -> Answer:
    """Ask for three things at once."""
    wanted: dict[str, InputRequest] = {
        "user_name": _form("What is your name?", "name"),
        "greeting": _question("Generate a greeting"),
        "client_roots": _ROOTS,
    }
    answers = ctx.input_responses or {}
    if ctx.request_state == "asked" and wanted.keys() <= answers.keys():
        return f"Hello, {_said(ctx, 'user_name', 'name')}!"
    return _ask("asked", **wanted)


async def test_input_required_result_multi_round(ctx: Asking) -> Answer:
    """Ask for one thing, then for another."""
    name, color = _said(ctx, "step1", "name"), _said(ctx, "step2", "color")
    if ctx.request_state and ctx.request_state.startswith("name:") and color:
        return f"{ctx.request_state}, color:{color}"
    if ctx.request_state == "first" and name:
        return _ask(f"name:{name}", step2=_form("Step 2: What is your favorite color?", "color"))
    return _ask("first", step1=_form("Step 1: What is your name?", "name"))


async def test_input_required_result_capabilities(ctx: Asking) -> InputRequiredResult:
    """Ask only what the client can answer."""
    capabilities = ctx.client_capabilities
    wanted: dict[str, InputRequest] = {}
    if capabilities and capabilities.elicitation:
        wanted["user_name"] = _form("What is your name?", "name")
    if capabilities and capabilities.sampling:
        wanted["greeting"] = _question("Generate a greeting")
    return _ask(None, **wanted)


async def test_sampling(prompt: str, ctx: Asking) -> str:
    """Have the client's model answer, over a connection that is kept for it."""
    result = await ctx.session.create_message([_message(prompt)], max_tokens=100)
    return f"LLM response: {result.content}"


class User(BaseModel):
    username: str
    email: str


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def _titled(*values: str) -> list[dict[str, str]]:
    return [{"const": value, "title": value.title()} for value in values]


class Choices(BaseModel):
    untitledSingle: Literal["option1", "option2", "option3"]  # noqa: N815  # the suite's names, here and below
    titledSingle: Annotated[str, Field(json_schema_extra={"oneOf": _titled("value1", "value2")})]  # noqa: N815
    legacyEnum: Annotated[  # noqa: N815
        str, Field(json_schema_extra={"enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]})
    ]
    untitledMulti: list[Literal["option1", "option2", "option3"]]  # noqa: N815
    titledMulti: Annotated[  # noqa: N815
        list[str], Field(json_schema_extra={"items": {"anyOf": _titled("value1", "value2")}})
    ]


async def test_elicitation(message: str, ctx: Asking) -> str:
    """Ask who the person is, over a connection that is kept for it."""
    return f"User response: {await ctx.elicit(message, User)}"


async def test_elicitation_sep1034_defaults(ctx: Asking) -> str:
    """Ask with answers filled in."""
    return f"Elicitation completed: {await ctx.elicit('Who are you?', Defaults)}"


async def test_elicitation_sep1330_enums(ctx: Asking) -> str:
    """Ask for choices."""
    return f"Elicitation completed: {await ctx.elicit('Choose.', Choices)}"


def _ask(state: str | None = None, /, **wanted: InputRequest) -> InputRequiredResult:
    return InputRequiredResult(input_requests=wanted, request_state=state)


def _form(message: str, field: str, kind: str = "string") -> ElicitRequest:
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _question(words: str) -> CreateMessageRequest:
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[_message(words)], max_tokens=100))


def _message(words: str) -> SamplingMessage:
    return SamplingMessage(role="user", content=TextContent(type="text", text=words))


def _embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return EmbeddedResource(type="resource", resource=contents)


def _said(ctx: Asking, question: str, field: str) -> object:
    answer = (ctx.input_responses or {}).get(question)
    content = answer.content if isinstance(answer, ElicitResult) and answer.action == "accept" else None
    return (content or {}).get(field)


_TOOLS = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_tool_with_logging,
    test_logging_tool,
    test_tool_with_progress,
    test_trigger_tool_change,
    test_trigger_prompt_change,
    test_missing_capability,
    test_streaming_elicitation,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
)
_PROMPTS = (
    test_simple_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
    test_input_required_result_prompt,
)
