"""Uvicorn's server, with a stop that hangs up on nobody."""

import asyncio
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress

import uvicorn


class ConsiderateServer(uvicorn.Server):
    """Answers those too whose connection the kernel had accepted when the stop came, and nobody else yet.

    Uvicorn closes the listening socket over their heads, which resets their connections.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take who waits, close, and finish what has begun."""
        waiting = list(_waiting(sockets or []))
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            # Who has hung up meanwhile is missed by nobody.
            with suppress(OSError):
                await loop.connect_accepted_socket(self._protocol, connection)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        # As uvicorn makes it when somebody calls.
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _waiting(listeners: Iterable[socket.socket]) -> Iterator[socket.socket]:
    for listener in listeners:
        with suppress(OSError):
            listener.setblocking(False)
            while True:
                yield listener.accept()[0]
