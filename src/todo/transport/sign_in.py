"""`/api/auth/*`, answered by the auth server on this same origin."""

from fastapi import Request
from fastapi.responses import Response
from starlette.routing import Route

from todo.auth.proxy import AuthProxy
from todo.problems import BodyTooLarge, NotFound
from todo.transport.discovery import ISSUER_PATHS

# The auth server takes no more, and would cut the connection in mid-sentence to say so.
_BODY_LIMIT_BYTES = 65_536
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def sign_in_routes(proxy: AuthProxy) -> list[Route]:
    """Give the routes that forward everything about accounts, sessions and connected apps."""

    async def sign_in(request: Request) -> Response:
        target = request.scope["raw_path"]
        if request.scope["query_string"]:
            target += b"?" + request.scope["query_string"]
        body = await request.body()
        if len(body) > _BODY_LIMIT_BYTES:
            raise BodyTooLarge
        client_ip = request.client.host if request.client else "127.0.0.1"
        status, headers, body = await proxy.forward(
            request.method, target, request.headers.raw, body, client_ip
        )
        if status == NotFound.status and not body:
            raise NotFound
        response = Response(body, status)
        # As a list: a sign-in sets more than one cookie, and a mapping would keep the last alone.
        response.raw_headers = [*headers, (b"content-length", str(len(body)).encode())]
        response.headers.setdefault("cache-control", "no-store")
        return response

    return [
        Route("/api/auth/{path:path}", sign_in, methods=_METHODS, include_in_schema=False),
        *(Route(path, sign_in, methods=["GET"], include_in_schema=False) for path in ISSUER_PATHS),
    ]
