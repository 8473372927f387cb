"""Callers who never finish their sentence: they are shown out, and disturb nobody meanwhile."""

import asyncio

import pytest

from tests.e2e.people import Account
from tests.e2e.product import Product

PATIENCE_SECONDS = 15


async def closed(product: Product, words: bytes) -> bytes:
    """Say these words and no more; give what is answered until the other side hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", product.port)
    writer.write(words)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answer = await reader.read()
    writer.close()
    return answer


async def test_slow_and_silent_callers_are_shown_out_while_others_are_served(
    product: Product, account: Account
) -> None:
    person = await account.person()
    callers = [
        asyncio.create_task(closed(product, words))
        for words in [b"", b"GET /health/live HTTP/1.1\r\nX-Slow: "] * 50
    ]
    answers = []
    waiting = set(callers)
    while waiting:
        answers.append((await person.get("/api/todos")).status_code)
        # Not as fast as can be: a person has so many requests a minute.
        _, waiting = await asyncio.wait(waiting, timeout=0.02)

    assert {caller.result() for caller in callers} == {b""}
    assert set(answers) == {200}
    assert len(answers) > 100


@pytest.mark.parametrize("length", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_a_body_that_does_not_arrive_is_refused(product: Product, length: bytes) -> None:
    answer = await closed(product, b"POST /api/todos HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n")

    head = answer.lower()
    assert head.startswith(b"http/1.1 408")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
