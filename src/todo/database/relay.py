"""A way to a server that wants TLS, for programs of PostgreSQL that were built without it."""

import asyncio
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from todo.database.engine import Connection
from todo.database.url import DatabaseUrl

_TLS_REQUEST = struct.pack("!ii", 8, 80877103)
_YES = b"S"
_BOUND_TO_TLS = b"SCRAM-SHA-256-PLUS\0"
_CHUNK_BYTES = 65_536


@asynccontextmanager
async def plain_address(url: DatabaseUrl, connection: Connection) -> AsyncIterator[DatabaseUrl]:
    """Give an address of the server of `connection` that needs no TLS: its own, or a socket that leads to it.

    The server is held to the same proof of its name as by the connection.
    """
    # The driver tells in no other way how it got through.
    transport = connection._transport  # type: ignore[attr-defined]  # noqa: SLF001  # see above
    session = transport.get_extra_info("ssl_object")
    where = tuple(part for part in url.parameters if part[0] in {"host", "port"})
    if session is None:
        yield DatabaseUrl(url.user, "", url.location, url.database, where)
        return
    host, port, *_ = transport.get_extra_info("peername")
    server = _Server(host, port, session.server_hostname, session.context)
    # Nobody else can enter the folder.
    with tempfile.TemporaryDirectory(prefix="todo-") as folder:
        relay = await asyncio.start_unix_server(server.relay, Path(folder) / ".s.PGSQL.5432")
        async with relay:
            yield DatabaseUrl(url.user, "", "", url.database, (("host", folder),))


@dataclass(frozen=True)
class _Server:
    host: str
    port: int
    name: str | None
    context: ssl.SSLContext

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry what a client says to the server, and back, until either has no more to say."""
        # A client whose way is cut off notices, and says so.
        with suppress(OSError, EOFError), closing(writer):
            server_reader, server_writer = await asyncio.open_connection(self.host, self.port)
            with closing(server_writer):
                server_writer.write(_TLS_REQUEST)
                if await server_reader.readexactly(1) == _YES:
                    await server_writer.start_tls(self.context, server_hostname=self.name)
                    ways = [_carry(reader, server_writer), _answer(server_reader, writer)]
                    tasks = [asyncio.create_task(way) for way in ways]
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # The first message says how one may sign in. A client that sees no TLS takes an offer to bind the
    # password to it for an attack; the driver does not bind it either.
    kind, length = struct.unpack("!ci", await reader.readexactly(5))
    body = (await reader.readexactly(length - 4)).replace(_BOUND_TO_TLS, b"")
    writer.write(struct.pack("!ci", kind, len(body) + 4) + body)
    await _carry(reader, writer)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
