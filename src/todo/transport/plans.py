"""A plan: a short token for what a change would touch, good as long as all of that stays as it is."""

import base64
import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

from todo.problems import PreconditionFailed

_BYTES = 12


class PlanOutdated(PreconditionFailed):
    """What the plan covers has changed since, or was not this: run with `dry_run` again, and look."""

    title = "Plan outdated"
    error_code = "plan_outdated"


def plan_of(secret: bytes, user_id: UUID, tool: str, told: Any) -> str:
    """Give the token of what a tool was asked to do for a person and what it came upon, versions included.

    Nothing is kept: who comes with a plan has the work done again up to the same token, or refused.
    """
    text = json.dumps([tool, told], sort_keys=True, default=str).encode()
    key = hmac.digest(secret, b"plan" + user_id.bytes, hashlib.sha256)
    return base64.urlsafe_b64encode(hmac.digest(key, text, hashlib.sha256)[:_BYTES]).decode()
