"""What is asked of an answer beside Schemathesis's own checks."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

# Where and why a request that keeps to the document may be 422 all the same: what no schema can say.
_UNSAYABLE = {
    ("/cursor", "invalid_cursor"),
    ("/since", "invalid_cursor"),
    ("/Last-Event-ID", "invalid_cursor"),
    ("/Idempotency-Key", "reused"),
    # `offset` beside `cursor`; a `temp_id` that is not made before, or twice.
    ("", "value_error"),
}


@schemathesis.check
def is_refused_for_what_no_schema_can_say(_: CheckContext, response: Response, case: "Case[Any]") -> None:
    """A request that keeps to the schema is 422 for one of those reasons, or not at all."""
    keeps_to_schema = case.meta is not None and case.meta.generation.mode.is_positive
    if not keeps_to_schema or response.status_code != 422:
        return
    problem = response.json()
    reasons = {(error["pointer"], error["code"]) for error in problem["errors"]}
    assert problem["error_code"] == "unreadable_file" or reasons <= _UNSAYABLE, problem
