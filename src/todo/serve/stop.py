"""The wish to stop: noted whenever it comes, honoured between two steps; none is left half done."""

import os
import signal
import threading
from types import FrameType

# The last one comes when the terminal is closed.
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL_SECONDS = 0.02


class StopRequested(Exception):
    """Somebody asked for an end before the start was complete."""


class StopRequest:
    """Takes the signals that ask for an end; each further one is impatience and changes nothing."""

    def __init__(self) -> None:
        self._noted = threading.Event()
        self._is_handed_over = False
        for number in _STOP_SIGNALS:
            signal.signal(number, self._note)

    @property
    def was_made(self) -> bool:
        """Whether anybody asked."""
        return self._noted.is_set()

    def honour(self) -> None:
        """Raise `StopRequested` if anybody asked."""
        if self.was_made:
            raise StopRequested

    def hand_over(self) -> None:
        """Leave SIGTERM to the server that is about to listen for it; what came before it did is repeated."""
        self._is_handed_over = True
        threading.Thread(target=self._repeat_when_heard, daemon=True).start()

    def _repeat_when_heard(self) -> None:
        pause = threading.Event()
        while signal.getsignal(signal.SIGTERM) == self._note:
            pause.wait(_POLL_SECONDS)
        if self.was_made:
            os.kill(os.getpid(), signal.SIGTERM)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._noted.set()
        if number == signal.SIGHUP and self._is_handed_over:
            os.kill(os.getpid(), signal.SIGTERM)
