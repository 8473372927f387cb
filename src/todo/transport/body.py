"""Takes in a request's body before anybody works with it, and no more of it than is allowed.

The framework has such a limit too, but answers it in plain text, whatever handlers the application has.
"""

from starlette.types import Message, Receive, Scope

BODY_LIMIT_BYTES = 1_048_576
# A caller that is cut off in mid-sentence does not read the answer: take in some more before refusing.
_DRAIN_LIMIT_BYTES = 16 * BODY_LIMIT_BYTES


async def read_body(scope: Scope, receive: Receive) -> list[Message] | None:
    """Give the messages of the body, or None when it is too large."""
    names = {name for name, _ in scope["headers"]}
    if b"content-length" not in names and b"transfer-encoding" not in names:
        return []
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if size <= BODY_LIMIT_BYTES:
            messages.append(message)
        else:
            messages.clear()
        if not message.get("more_body") or size > _DRAIN_LIMIT_BYTES:
            return messages if size <= BODY_LIMIT_BYTES else None


def replayed(messages: list[Message], receive: Receive) -> Receive:
    """Give a `receive` that starts with what was taken in already."""
    remaining = iter(messages)

    async def replay() -> Message:
        message = next(remaining, None)
        return await receive() if message is None else message

    return replay
