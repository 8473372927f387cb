"""The line of the log about each request."""

import logging
import time

_access = logging.getLogger("todo.access")
# What is the same in each record, and what no line of ours shows: found out once.
_SAME = vars(logging.LogRecord(_access.name, logging.INFO, "", 0, "%s %s %d %.1fms", None, None))


class AccessRecord(logging.LogRecord):
    """What is logged of a request: the library's own record finds out about threads and code for each."""

    # Everything is the record's own, for formatters look there.
    def __init__(self, method: str, path: str, status: int, seconds: float) -> None:
        milliseconds = round(seconds * 1000, 1)
        created = time.time()
        self.__dict__ = {
            **_SAME,
            "created": created,
            "msecs": created % 1 * 1000,
            "args": (method, path, status, milliseconds),
            "method": method,
            "path": path,
            "status": status,
            "duration_ms": milliseconds,
        }


def log_access(method: str, path: str, status: int, seconds: float) -> None:
    """Log a request as answered, unless the settings want no such lines."""
    if _access.isEnabledFor(logging.INFO):
        _access.handle(AccessRecord(method, path, status, seconds))
