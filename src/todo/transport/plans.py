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


def plan_of(secret: bytes, user_id: UUID, work: Any, touched: Any) -> str:
    """Give the token of a person's work, told in JSON, on what it touches, told with versions.

    Nothing is kept: who comes with a plan has the work done again up to the same token, or refused.
    """
    told = json.dumps([work, touched], sort_keys=True, default=str).encode()
    key = hmac.digest(secret, b"plan" + user_id.bytes, hashlib.sha256)
    return base64.urlsafe_b64encode(hmac.digest(key, told, hashlib.sha256)[:_BYTES]).decode()
