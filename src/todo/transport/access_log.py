"""The line of the log about each request."""

import logging
import time

_access = logging.getLogger("todo.access")
# What is the same in each record, and what no line of ours shows: found out once.
_SAME = logging.LogRecord(_access.name, logging.INFO, "", 0, "%s %s %d %.1fms", None, None).__dict__


def log_access(method: str, path: str, status: int, seconds: float) -> None:
    """Log a request as answered, unless the settings want no such lines."""
    if not _access.isEnabledFor(logging.INFO):
        return
    milliseconds = round(seconds * 1000, 1)
    created = time.time()
    record = logging.LogRecord.__new__(logging.LogRecord)
    record.__dict__ = {
        **_SAME,
        "created": created,
        "msecs": created % 1 * 1000,
        "args": (method, path, status, milliseconds),
        "method": method,
        "path": path,
        "status": status,
        "duration_ms": milliseconds,
    }
    _access.handle(record)
