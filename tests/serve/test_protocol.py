"""The patience of the HTTP server, with callers of our own making."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.server import ServerState

from tests.e2e.waiting import until
from tests.streams import served
from todo.serve.protocol import PunctualHttpProtocol
from todo.transport.body import WHOLE_REQUEST

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
        self._is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self._is_closed = True

    def is_closing(self) -> bool:
        return self._is_closed

    def resume_reading(self) -> None:
        """Nothing is held back here."""

    pause_reading = resume_reading


def protocol_of(app: ASGIApp) -> PunctualHttpProtocol:
    """Give one end of a connection to an application."""
    config = uvicorn.Config(app, interface="asgi3", log_config=None)
    return PunctualHttpProtocol(config, ServerState(), {"end_streams": lambda: None})


@asynccontextmanager
async def connected(app: ASGIApp, *parts: bytes) -> AsyncIterator[Written]:
    """Send an application this, a part after the other; give what is written."""
    protocol, written = protocol_of(app), Written()
    protocol.connection_made(written)
    for part in parts:
        protocol.data_received(part)
        for _ in range(5):
            await asyncio.sleep(0)  # a turn for each task that begins or ends
    yield written
    protocol.connection_lost(None)


@asynccontextmanager
async def asked(request: bytes, *messages: Message | asyncio.Event) -> AsyncIterator[Written]:
    """Ask an application that says this, each time it is asked, or waits; give what is written."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await (message.wait() if isinstance(message, asyncio.Event) else send(message))

    async with connected(app, request) as written:
        yield written


def start(*headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": headers}


def body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


OF_TWO = (b"content-length", b"2")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n"


async def test_head_and_body_leave_in_one_write() -> None:
    async with asked(REQUEST + REQUEST, start(OF_TWO, (b"x-a", b"one\ttwo")), body(b"{}")) as written:
        assert written.writes == [HEAD + b"x-a: one\ttwo\r\n\r\n{}"] * 2
        assert not written.is_closing()


async def test_what_is_answered_at_the_same_moment_leaves_together() -> None:
    happened, may_answer = list[str](), asyncio.Event()

    class Noted(Written):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            happened.append("written")
            super().write(data)

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await may_answer.wait()
        await send(start(OF_TWO))
        await send(body(b"{}"))
        happened.append("answered")

    callers = [Noted() for _ in range(3)]
    for caller in callers:
        protocol = protocol_of(app)
        protocol.connection_made(caller)
        protocol.data_received(REQUEST)
    await asyncio.sleep(0)
    may_answer.set()
    await until(lambda: all(caller.writes for caller in callers), "all are answered")

    assert happened == ["answered"] * 3 + ["written"] * 3


@pytest.mark.parametrize(
    ("end", "last_words"),
    [
        (lambda protocol: protocol.data_received(b"\0\r\n\r\n"), b"HTTP/1.1 400 "),
        (lambda protocol: protocol.shutdown(), b""),
    ],
    ids=["a bad request", "a stop"],
)
async def test_an_answer_that_has_not_left_yet_comes_before_the_end(
    end: Callable[[PunctualHttpProtocol], None], last_words: bytes
) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start(OF_TWO))
        await send(body(b"{}"))
        assert not written.writes
        end(protocol)

    protocol, written = protocol_of(app), Written()
    protocol.connection_made(written)
    protocol.data_received(REQUEST)
    await until(written.is_closing, "the connection is closed")

    assert b"".join(written.writes).startswith(HEAD + b"\r\n{}" + last_words)


async def test_whoever_asks_for_the_head_alone_gets_no_body() -> None:
    async with asked(REQUEST.replace(b"GET", b"HEAD"), start(OF_TWO), body(b"{}")) as written:
        assert b"".join(written.writes) == HEAD + b"\r\n"


async def test_a_head_does_not_wait_for_a_body_that_takes_its_time() -> None:
    is_there = asyncio.Event()
    async with asked(REQUEST, start((b"x-a", b"1")), is_there, body(b"{}")) as written:
        assert written.writes == [b"HTTP/1.1 200 OK\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n"]
        is_there.set()


async def test_a_body_in_parts_follows_its_head() -> None:
    async with asked(REQUEST, start(OF_TWO), body(b"{", more=True), body(b"}")) as written:
        assert b"".join(written.writes) == HEAD + b"\r\n{}"


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.0", b"GET / HTTP/1.1\r\nConnection: close"])
async def test_whoever_calls_once_is_told_so_and_shown_out(request_line: bytes) -> None:
    async with asked(REQUEST.replace(b"GET / HTTP/1.1", request_line), start(OF_TWO), body(b"{}")) as written:
        assert b"".join(written.writes) == HEAD + b"connection: close\r\n\r\n{}"
        assert written.is_closing()


async def test_an_answer_that_ends_the_connection_does() -> None:
    async with asked(REQUEST, start(OF_TWO, (b"connection", b"close")), body(b"{}")) as written:
        assert b"".join(written.writes) == HEAD + b"connection: close\r\n\r\n{}"
        assert written.is_closing()


@pytest.mark.parametrize("sign", [b"\r\ny: 2", b"\n", b"\r", b"\0", b"\x7f"])
async def test_no_header_leaves_with_a_sign_that_it_must_not_have(sign: bytes) -> None:
    async with asked(REQUEST, start(OF_TWO, (b"x-a", b"1" + sign)), body(b"{}")) as written:
        assert (written.writes, written.is_closing()) == ([], True)


@pytest.mark.parametrize("content", [b"{", b"{ }"])
async def test_a_body_of_another_length_than_was_said_is_cut_off(content: bytes) -> None:
    async with asked(REQUEST, start(OF_TWO), body(content)) as written:
        assert written.is_closing()


async def test_an_answer_that_fails_before_its_body_is_a_500() -> None:
    async with asked(REQUEST, start(OF_TWO)) as written:
        assert b"".join(written.writes).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("parts", [(b"{}",), (b"{", b"}"), (b"", b"{}")])
async def test_the_application_is_told_when_a_request_is_there_whole(parts: tuple[bytes, ...]) -> None:
    told = list[tuple[bool, bytes]]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_whole = WHOLE_REQUEST in scope.get("extensions", ())
        content, has_more = b"", True
        while has_more:
            message = await receive()
            content, has_more = content + message["body"], message["more_body"]
        told.append((is_whole, content))
        await send(start(OF_TWO))
        await send(body(content))

    first, *others = parts
    head = REQUEST.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\n")
    async with connected(app, head + first, *others) as written:
        assert written.writes == [HEAD + b"\r\n{}"]
    assert told == [(not others, b"{}")]
