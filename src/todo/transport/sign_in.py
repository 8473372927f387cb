"""`/api/auth/*`, answered by the auth server on this same origin."""

from fastapi import Request
from fastapi.responses import Response
from starlette.routing import Route

from todo.auth.proxy import AuthProxy

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def sign_in_route(proxy: AuthProxy) -> Route:
    """Give the route that forwards everything about accounts and sessions."""

    async def sign_in(request: Request) -> Response:
        target = request.scope["raw_path"]
        if request.scope["query_string"]:
            target += b"?" + request.scope["query_string"]
        client_ip = request.client.host if request.client else "127.0.0.1"
        status, headers, body = await proxy.forward(
            request.method, target, request.headers.raw, await request.body(), client_ip
        )
        response = Response(body, status)
        # As a list: a sign-in sets more than one cookie, and a mapping would keep the last alone.
        response.raw_headers = [*headers, (b"content-length", str(len(body)).encode())]
        return response

    return Route("/api/auth/{path:path}", sign_in, methods=_METHODS, include_in_schema=False)
