"""Connections on which what is answered at the same moment leaves together."""

import asyncio
from typing import Any


class CorkedTransport:
    """A connection that can keep an answer until all that are ready have been written, and then sends it.

    A write wakes whoever reads it. One after another, they each wake, find one answer and fall asleep again;
    together, they are woken once. Nothing overtakes what is kept, and a connection closes after it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._kept = b""
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write_soon(self, data: bytes) -> None:
        """Write once everybody who is ready by now has had their turn of the event loop."""
        if not self._kept:
            asyncio.get_running_loop().call_soon(self._uncork)
        self._kept += data

    def write(self, data: bytes) -> None:
        """Write at once."""
        self._uncork()
        self._transport.write(data)

    def close(self) -> None:
        """Close once all is written."""
        self._uncork()
        self._transport.close()

    def _uncork(self) -> None:
        kept, self._kept = self._kept, b""
        if kept and not self.is_closing():
            self._transport.write(kept)
