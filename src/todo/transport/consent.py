"""Asks the person behind an agent, where its client can show them a question."""

from typing import Any

from mcp.server.mcpserver import Context
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import is_version_at_least

from todo.problems import Forbidden

_ASKED_SINCE = "2026-07-28"
_QUESTION = "consent"
_YES_OR_NO = {"type": "object", "properties": {}}


class Declined(Forbidden):
    """The person was asked and did not agree: nothing was changed."""

    title = "Declined"
    error_code = "declined"


def can_ask(context: Context[Any, Any]) -> bool:
    """Whether the client shows questions, and speaks a version in which this service can ask them."""
    version, capabilities = context.protocol_version, context.client_capabilities
    if version is None or not is_version_at_least(version, _ASKED_SINCE):
        # Before, a question needed a channel back to the client, which a service without sessions has not.
        return False
    asking = capabilities.elicitation if capabilities else None
    return asking is not None and (asking.form is not None or asking.url is None)


def ask(context: Context[Any, Any], question: str, plan: str) -> InputRequiredResult | None:
    """Give the question to send to the person, or nothing once they have said yes to this very plan.

    Raises `Declined` when they said no, or turned away.
    """
    answer = (context.input_responses or {}).get(_QUESTION)
    if context.request_state == plan and isinstance(answer, ElicitResult):
        if answer.action != "accept":
            raise Declined
        return None
    form = ElicitRequestFormParams(message=question, requested_schema=_YES_OR_NO)
    return InputRequiredResult(input_requests={_QUESTION: ElicitRequest(params=form)}, request_state=plan)
