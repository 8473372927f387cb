"""Takes in a request's body before anybody works with it, and no more of it than is allowed.

The framework has such a limit too, but answers it in plain text, whatever handlers the application has.
"""

import asyncio

from starlette.types import Message, Receive, Scope

from todo.problems import BodyTooLarge, BodyTooSlow

BODY_LIMIT_BYTES = 1_048_576
# The ASGI extension by which a server says that all of the body is there: `receive` waits for nobody.
WHOLE_REQUEST = "todo.whole_request"
# A caller that is cut off in mid-sentence does not read the answer: take in some more before refusing.
_TIMEOUT_SECONDS = 10.0
_DRAIN_LIMIT_BYTES = 16 * BODY_LIMIT_BYTES


async def read_body(scope: Scope, receive: Receive) -> list[Message]:
    """Give the messages of the body; raises `BodyTooLarge` and `BodyTooSlow`."""
    headers = dict(scope["headers"])
    if b"content-length" not in headers and b"transfer-encoding" not in headers:
        return []
    # Of one that says itself that it is too large, nothing is kept.
    kept_bytes = BODY_LIMIT_BYTES if int(headers.get(b"content-length", 0)) <= BODY_LIMIT_BYTES else 0
    if WHOLE_REQUEST in scope.get("extensions", ()):
        # A timer costs as much as all the rest of this.
        return await _messages(receive, kept_bytes)
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await _messages(receive, kept_bytes)
    except TimeoutError:
        raise BodyTooSlow from None


async def _messages(receive: Receive, kept_bytes: int) -> list[Message]:
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if size <= kept_bytes:
            messages.append(message)
        else:
            messages.clear()
        if not message.get("more_body") or size > _DRAIN_LIMIT_BYTES:
            break
    if size > BODY_LIMIT_BYTES:
        raise BodyTooLarge
    return messages


def replayed(messages: list[Message], receive: Receive) -> Receive:
    """Give a `receive` that starts with what was taken in already."""
    if not messages:
        return receive
    remaining = iter(messages)

    async def replay() -> Message:
        message = next(remaining, None)
        return await receive() if message is None else message

    return replay
