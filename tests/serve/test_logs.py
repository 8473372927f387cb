"""What is written to standard error, and when."""

import asyncio
import io
import logging
import os
import select
from collections.abc import Iterator
from contextlib import suppress

import pytest

from todo.serve.logs import LineHandler
from todo.transport.access_log import AccessRecord


class Written(io.StringIO):
    """Where lines go, one write after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def handler(written: Written) -> LineHandler:
    return LineHandler(written)


async def test_requests_answered_within_a_turn_are_written_together(
    handler: LineHandler, written: Written
) -> None:
    handler.handle(AccessRecord("GET", "/one", 200, 0.00123))
    handler.handle(AccessRecord("PUT", "/two", 404, 0.5))
    assert written.writes == []
    await asyncio.sleep(0)
    handler.handle(AccessRecord("GET", "/three", 200, 0.0))
    await asyncio.sleep(0)

    assert written.writes == ["GET /one 200 1.2ms\nPUT /two 404 500.0ms\n", "GET /three 200 0.0ms\n"]


async def test_whatever_else_is_said_is_written_at_once_after_what_came_before(
    handler: LineHandler, written: Written
) -> None:
    handler.handle(AccessRecord("GET", "/one", 200, 0.001))
    handler.handle(logging.LogRecord("todo", logging.ERROR, "", 0, "lost", None, None))

    assert "".join(written.writes) == "GET /one 200 1.0ms\nlost\n"


async def test_the_end_of_a_process_loses_no_line(handler: LineHandler, written: Written) -> None:
    handler.handle(AccessRecord("GET", "/one", 200, 0.001))
    handler.flush()
    await asyncio.sleep(0)

    assert written.writes == ["GET /one 200 1.0ms\n"]


async def test_no_write_is_more_than_a_pipe_takes_in_one_piece(
    handler: LineHandler, written: Written
) -> None:
    for number in range(1_000):
        handler.handle(AccessRecord("GET", f"/{number}", 200, 0.001))
    await asyncio.sleep(0)

    assert "".join(written.writes).count("\n") == 1_000
    assert max(len(text) for text in written.writes) <= select.PIPE_BUF
    assert all(text.endswith("\n") for text in written.writes)


@pytest.fixture
def broken() -> Iterator[io.TextIOWrapper]:
    """A pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w", buffering=1)
    yield stream
    with suppress(OSError):
        stream.close()


async def test_requests_go_on_where_nobody_reads_the_log(broken: io.TextIOWrapper) -> None:
    handler = LineHandler(broken)
    for _ in range(1_000):
        handler.handle(AccessRecord("GET", "/one", 200, 0.001))
    handler.flush()
