"""What a caller's token rests on, what it lets them do, and through what; for endpoints and tools alike."""

from todo.auth.user import Caller, Scope
from todo.database.provenance import PERSON, Client, Provenance
from todo.database.standing import ConnectedApp, HeldKey, LiveSession, Standing
from todo.problems import Forbidden


class InsufficientScope(Forbidden):
    """The token does not allow this."""

    title = "Insufficient scope"
    error_code = "insufficient_scope"

    def __init__(self, scope: Scope, challenge: str) -> None:
        super().__init__(
            f"The token does not allow this: it lacks the scope {scope}.",
            headers={"WWW-Authenticate": f'{challenge}, error="insufficient_scope", scope="{_upto(scope)}"'},
        )


def require_scope(caller: Caller, scope: Scope, *, challenge: str = 'Bearer realm="todo"') -> None:
    """Raise `InsufficientScope` unless the caller's token has the scope."""
    if scope not in caller.scopes:
        raise InsufficientScope(scope, challenge)


def standing_of(caller: Caller) -> Standing | None:
    """Give what has to be looked up before the caller is served; None where nothing can be."""
    if caller.session_id is not None:
        return LiveSession(caller.session_id)
    if caller.client_id is not None:
        return ConnectedApp(caller.user_id, caller.client_id, caller.scopes)
    if caller.key_id is not None:
        return HeldKey(caller.user_id, caller.key_id)
    return None


def client_of(caller: Caller) -> Client:
    """Give what the caller acts through."""
    if caller.key_id is not None:
        return Client.key(caller.key_id, caller.client_name)
    app_id = caller.client_id or caller.authorized_party
    return Client(PERSON) if app_id is None else Client.app(app_id, caller.client_name)


def provenance_of(caller: Caller, tool: str, reason: str | None = None) -> Provenance:
    """Say where what the caller changes now comes from."""
    return Provenance(client_of(caller), tool, reason or None)


def _upto(scope: Scope) -> str:
    # Clients ask for exactly what a challenge names, so it names what they have to keep as well.
    return " ".join(Scope) if scope is Scope.WRITE else scope
