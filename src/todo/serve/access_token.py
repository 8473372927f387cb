"""Fetches an access token for work from a shell."""

import httpx2

from todo.problems import CannotStart


def fetch_access_token(origin: str, email: str, password: str, *, is_new: bool) -> str:
    """Sign in (or up) at a running service and give an access token of ten minutes.

    Raises `CannotStart` with the service's reason when it refuses.
    """
    account = {"email": email, "password": password}
    path = "sign-in/email"
    if is_new:
        account["name"] = email.partition("@")[0]
        path = "sign-up/email"
    with httpx2.Client(base_url=f"{origin}/api/auth/", timeout=20) as client:
        session = _token_of(client.build_request("POST", path, json=account), client)
        bearer = {"authorization": f"Bearer {session}"}
        client.cookies.clear()
        return _token_of(client.build_request("GET", "token", headers=bearer), client)


def _token_of(request: httpx2.Request, client: httpx2.Client) -> str:
    try:
        response = client.send(request)
    except httpx2.TransportError as error:
        raise CannotStart(f"Nothing answers at {request.url.host}: start it with `todo serve`.") from error
    try:
        answer = response.json()
    except ValueError:
        answer = {}
    if response.status_code != httpx2.codes.OK or "token" not in answer:
        reason = answer.get("message") or answer.get("detail") or f"status {response.status_code}"
        raise CannotStart(f"The service refused: {reason}.")
    return str(answer["token"])
