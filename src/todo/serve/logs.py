"""How every process of the product speaks on standard error: for people, or one JSON object a line."""

import asyncio
import functools
import json
import logging
import select
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TextIO

from todo.settings import Settings
from todo.transport.access_log import AccessRecord
from todo.transport.speakable import request_id, speakable_trace

# What the guard knows of a request when it has been answered.
_OF_A_REQUEST = ("method", "path", "status", "duration_ms")
# Speaks to the person at the terminal, whatever the level is.
VOICE = "todo.voice"
# Of what a pipe takes in one piece, whoever else writes to it; one line more fits always.
_ONE_WRITE = select.PIPE_BUF // 2


def configure_logging(settings: Settings, *, traces: bool = False) -> None:
    """Send records to standard error as the settings say; with `traces`, JSON names the trace as well."""
    is_json = settings.log_format == "json"
    handler = LineHandler(sys.stderr)
    handler.setFormatter(
        _JsonFormatter(_current_trace() if traces else None) if is_json else _TextFormatter()
    )
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    # Only ours become more talkative: at `debug` others would log headers and bodies.
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("todo").setLevel(level)
    logging.getLogger(VOICE).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    # What no line of ours shows need not be found out for each (the library's advice on speed).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001  # as the library documents it
    sys.excepthook = _log_crash
    threading.excepthook = lambda crash: _log_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes records to standard error, which lets each line go as it ends.

    Each write is a call of the kernel that wakes the reader, so those of requests answered within a turn of
    the event loop are one.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._kept = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or keep it until others have had their turn."""
        if not isinstance(record, AccessRecord):
            self.flush()
            super().emit(record)
            return
        if not self._kept:
            asyncio.get_running_loop().call_soon(self.flush)
        self._kept += f"{self.format(record)}\n"
        if len(self._kept) > _ONE_WRITE:
            self.flush()

    def flush(self) -> None:
        """Write what was kept; to nobody, if there is none to read it."""
        self.acquire()
        try:
            lines, self._kept = self._kept, ""
            if lines:
                with suppress(OSError, ValueError):
                    self.stream.write(lines)
        finally:
            self.release()


class _TextFormatter(logging.Formatter):
    """One line a record, with the request it belongs to at the end; what is said to a person stands alone."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.name == VOICE:
            return message
        at = f"{_local_second(int(record.created))},{int(record.msecs):03d}"
        line = f"{at} {record.levelname} {record.name} {message}"
        name, trace = request_id.get(), _trace_of(record)
        return (f"{line} {name}" if name else line) + (f"\n{trace}" if trace else "")


class _JsonFormatter(logging.Formatter):
    """One JSON object a line, with these members and no others: what a library adds to a record stays out."""

    def __init__(self, trace_id: Callable[[], str | None] | None) -> None:
        super().__init__()
        self._trace_id = trace_id

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{_utc_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
            "trace_id": self._trace_id() if self._trace_id else None,
            **{name: getattr(record, name, None) for name in _OF_A_REQUEST},
            "exception": _trace_of(record),
        }
        return json.dumps({name: value for name, value in line.items() if value is not None})


# Thousands of lines are of one second.
@functools.lru_cache(maxsize=1)
def _local_second(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


@functools.lru_cache(maxsize=1)
def _utc_second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _trace_of(record: logging.LogRecord) -> str | None:
    error = record.exc_info[1] if record.exc_info else None
    return speakable_trace(error) if error else None


def _current_trace() -> Callable[[], str | None]:
    from opentelemetry import trace  # noqa: PLC0415  # not loaded where no traces are wanted

    def trace_id() -> str | None:
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else None

    return trace_id


def _log_crash(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    crash = error or kind()
    logging.getLogger("todo").critical("crashed", exc_info=crash.with_traceback(trace))
