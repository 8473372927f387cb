"""Where clients look for who issues tokens, and for what (RFC 8414, OpenID Connect discovery, RFC 9728)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from todo.auth.user import Scope

# With the path of the protected address at the end, as the RFC says; and without, for hasty clients.
_RESOURCE_PATHS = ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource")
ISSUER_PATHS = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")


def metadata_url(origin: str) -> str:
    """Give the address of the document that says who issues tokens for `/mcp`."""
    return f"{origin}{_RESOURCE_PATHS[0]}"


def resource_routes(resource: str, issuer: str) -> list[Route]:
    """Give the routes that describe `/mcp` as a protected resource; they need no other part to be up."""
    document = {
        "resource": resource,
        "resource_name": "Todo Evolution",
        "authorization_servers": [issuer],
        "scopes_supported": list(Scope),
        "bearer_methods_supported": ["header"],
    }

    async def describe(_request: Request) -> Response:
        return JSONResponse(document, headers={"Access-Control-Allow-Origin": "*"})

    return [Route(path, describe, methods=["GET"], include_in_schema=False) for path in _RESOURCE_PATHS]
