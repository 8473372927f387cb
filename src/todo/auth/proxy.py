"""Forwards sign-in requests to the auth server, each on its own: nothing is kept between two callers."""

import logging
from collections.abc import AsyncIterator, Iterable

import httpx2

from todo.problems import Unavailable, ValidationFailed

_logger = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 15.0
_SIGN_OF_LIFE_SECONDS = 1.0
# RFC 9110, section 7.6.1: these speak about one connection, not about the message.
_HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
# Only we may say where a request came from: the auth server counts failed sign-ins by it.
_ABOUT_THE_CLIENT = {b"x-client-ip", b"x-real-ip", b"forwarded"}

# Our own server says it already.
_OURS_TO_SAY = {b"date"}

Headers = list[tuple[bytes, bytes]]


class AuthProxy:
    """One way to the auth server. A transport, not a client: a client's cookie jar would mix up callers."""

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def forward(
        self, method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes, client_ip: str
    ) -> tuple[int, Headers, bytes]:
        """Send one request on and give status, headers and body of the answer.

        Raises `Unavailable` while the auth server is away.
        """
        request = httpx2.Request(
            method,
            httpx2.URL("http://auth-server", raw_path=target),
            headers=[*_without(headers, _ABOUT_THE_CLIENT), (b"x-client-ip", client_ip.encode())],
            content=body,
            extensions={"timeout": httpx2.Timeout(_TIMEOUT_SECONDS).as_dict()},
        )
        try:
            response = await self._transport.handle_async_request(request)
            answer = b"".join([chunk async for chunk in _chunks(response)])
        except httpx2.LocalProtocolError as error:
            raise ValidationFailed("The request has a header that cannot be passed on.") from error
        except httpx2.TransportError as error:
            _logger.warning("auth server did not answer: %s", type(error).__name__)
            raise Unavailable("Sign-in is restarting; try again shortly.") from error
        return response.status_code, _without(response.headers.raw, _OURS_TO_SAY), answer

    async def ping(self) -> None:
        """Ask for a sign of life; raises `Unavailable` when there is none within a second."""
        # Refused without a look into its database, so that an outage of that is not taken for its own.
        request = httpx2.Request(
            "HEAD",
            "http://auth-server/",
            extensions={"timeout": httpx2.Timeout(_SIGN_OF_LIFE_SECONDS).as_dict()},
        )
        try:
            response = await self._transport.handle_async_request(request)
            await response.aclose()
        except httpx2.TransportError as error:
            raise Unavailable from error


async def _chunks(response: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    finally:
        await response.aclose()


def _without(headers: Iterable[tuple[bytes, bytes]], dropped: set[bytes]) -> Headers:
    unwanted = dropped | _HOP_BY_HOP | {b"content-length"}
    return [
        # White space at the end of a value is not part of it, and the client refuses to send it.
        (name, value.strip())
        for name, value in headers
        if name.lower() not in unwanted and not name.lower().startswith(b"x-forwarded-")
    ]
