"""The wish to stop: noted whenever it comes, honoured between two steps; none is left half done."""

import os
import signal
import threading
from types import FrameType


class StopRequested(Exception):
    """Somebody asked for an end before the start was complete."""


class StopRequest:
    """Takes SIGINT and SIGTERM; each further one is taken as impatience and changes nothing."""

    def __init__(self) -> None:
        self._is_requested = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def honour(self) -> None:
        """Raise `StopRequested` if there was one."""
        if self._is_requested.is_set():
            raise StopRequested

    def repeat(self) -> None:
        """Send it again to whoever handles signals by now."""
        if self._is_requested.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._is_requested.set()
