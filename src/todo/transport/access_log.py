"""The line of the log about each request."""

import logging
import time

_access = logging.getLogger("todo.access")


class AccessRecord(logging.LogRecord):
    """What is logged of a request: the library's own record finds out about threads and code for each."""

    # With what is the same in each, see below.
    def __init__(self, method: str, path: str, status: int, seconds: float) -> None:
        self.created = time.time()
        self.msecs = self.created % 1 * 1000
        self.method = method
        self.path = path
        self.status = status
        self.duration_ms = round(seconds * 1000, 1)
        self.args = (method, path, status, self.duration_ms)


for _name, _value in vars(
    logging.LogRecord(_access.name, logging.INFO, "", 0, "%s %s %d %.1fms", None, None)
).items():
    setattr(AccessRecord, _name, _value)


def log_access(method: str, path: str, status: int, seconds: float) -> None:
    """Log a request as answered, unless the settings want no such lines."""
    if _access.isEnabledFor(logging.INFO):
        _access.handle(AccessRecord(method, path, status, seconds))
