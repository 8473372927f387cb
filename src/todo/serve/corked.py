"""Connections on which what is answered at the same moment leaves together."""

import asyncio
from typing import Any


class CorkedTransport(asyncio.Transport):
    """A connection that can keep an answer until all that are ready have been written, and then sends it.

    A write wakes whoever reads it. One after another, they each wake, find one answer and fall asleep again;
    together, they are woken once. Nothing overtakes what is kept, and a connection closes after it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._kept = b""

    def write_soon(self, data: bytes) -> None:
        """Write once everybody who is ready by now has had their turn of the event loop."""
        if not self._kept:
            asyncio.get_running_loop().call_soon(self._uncork)
        self._kept += data

    def write(self, data: bytes | bytearray | memoryview) -> None:
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

    def abort(self) -> None:
        """Close without what is not written."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Give what the transport knows about the connection."""
        return self._transport.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol told of what happens."""
        self._transport.set_protocol(protocol)

    def pause_reading(self) -> None:
        """Take nothing in until told to."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take in again."""
        self._transport.resume_reading()
