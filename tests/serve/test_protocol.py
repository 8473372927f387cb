"""The patience of the HTTP server, with callers of our own making."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from tests.e2e.waiting import until
from tests.streams import served
from todo.serve.protocol import PunctualHttpProtocol, Together

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class HurriedHttpProtocol(PunctualHttpProtocol):
    """Waits less for its readers, so that the tests are short."""

    reading_timeout_seconds = 0.5


@pytest.fixture
async def endless() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """The port where an answer has no end, and what is set when it is given up."""
    is_given_up = asyncio.Event()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Callable[[], None]]]:
        yield {"end_streams": is_given_up.set}

    async def chunks() -> AsyncIterator[bytes]:
        try:
            while not is_given_up.is_set():
                yield b"x" * 65_536
                await asyncio.sleep(0)  # nobody waits for a reader who is gone, so others work here
        finally:
            is_given_up.set()

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def answer() -> StreamingResponse:
        return StreamingResponse(chunks())

    async with served(app, HurriedHttpProtocol) as (_, address):
        yield urlsplit(address).port or 0, is_given_up


@pytest.fixture
def echoing() -> FastAPI:
    """An application that answers with the headers of the request."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Callable[[], None]]]:
        yield {"end_streams": lambda: None}

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def echo(request: Request) -> list[tuple[str, str]]:
        return request.headers.items()

    return app


async def test_a_caller_who_does_not_take_the_answer_is_shown_out(
    endless: tuple[int, asyncio.Event],
) -> None:
    port, is_given_up = endless
    with socket.create_connection(("127.0.0.1", port)) as caller:
        caller.send(REQUEST)

        await until(is_given_up.is_set, "the answer is given up")


async def test_a_caller_who_goes_on_reading_is_served_on(endless: tuple[int, asyncio.Event]) -> None:
    port, is_given_up = endless
    # In small bites, so that the writer has to wait for the reader again and again.
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4_096)
    writer.write(REQUEST)
    until_then = time.monotonic() + 3 * HurriedHttpProtocol.reading_timeout_seconds

    while time.monotonic() < until_then:
        await reader.readexactly(8_192)
        await asyncio.sleep(0)

    assert not is_given_up.is_set()
    writer.close()
    await until(is_given_up.is_set, "the answer is given up")


async def test_who_has_called_but_was_not_heard_yet_is_answered_at_a_stop(echoing: FastAPI) -> None:
    async with served(echoing) as (server, address):
        # Without a turn for the server between: so far nobody but the kernel knows of the connection.
        with socket.create_connection(("127.0.0.1", urlsplit(address).port or 0)) as caller:
            caller.send(REQUEST)
            await server.stop_at_once()
            assert caller.recv(12) == b"HTTP/1.1 200"


async def test_the_first_request_of_a_connection_is_answered_after_the_stop_has_begun(
    echoing: FastAPI,
) -> None:
    async with served(echoing) as (server, address):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(address).port)
        await until(lambda: server.server_state.connections, "the connection is taken")
        stopping = asyncio.create_task(server.stop_at_once())
        await asyncio.sleep(0)
        writer.write(REQUEST)
        answer = await reader.read()
        writer.close()
        await stopping

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer


async def test_blanks_around_the_value_of_a_header_are_no_part_of_it(echoing: FastAPI) -> None:
    async with served(echoing) as (_, address):
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(address).port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-A: \t one two\t \r\nX-B:\t \r\n\r\n"
        )
        answer = await reader.read()
        writer.close()

    headers = dict(json.loads(answer.rpartition(b"\r\n\r\n")[2]))
    assert (headers["x-a"], headers["x-b"]) == ("one two", "")


class Written(asyncio.Transport):
    """Where a protocol writes to, one write after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


async def test_head_and_body_leave_in_one_write() -> None:
    written = Written()
    transport = Together(written)
    for part in (HEAD, b"{}", HEAD, b"[]"):
        transport.write(part)

    assert written.writes == [HEAD + b"{}", HEAD + b"[]"]


async def test_a_head_does_not_wait_for_a_body_that_takes_its_time() -> None:
    written = Written()
    Together(written).write(HEAD)
    await asyncio.sleep(0)

    assert written.writes == [HEAD]


async def test_a_head_is_written_before_the_connection_is_closed() -> None:
    written = Written()
    transport = Together(written)
    transport.write(HEAD)
    transport.close()
    await asyncio.sleep(0)

    assert (written.writes, written.is_closed) == ([HEAD], True)
