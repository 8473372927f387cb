"""The ways to the service that a history can take: one class a protocol, the same verbs in each."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol

import httpx2
from anyio.from_thread import BlockingPortal

from tests.factories import Person


class Answer(NamedTuple):
    """What came back. A protocol without statuses or headers of its own leaves them out."""

    status: int | None
    body: Any
    headers: Mapping[str, str] | None
    text: str


class Verbs(Protocol):
    """What every protocol can do."""

    def create(self, new: Mapping[str, Any]) -> Answer:
        """Add a todo."""

    def get(self, todo_id: str) -> Answer:
        """View one."""

    def act(self, verb: str, todo_id: str, changes: Mapping[str, Any] = {}) -> Answer:
        """Update, complete, reopen, delete or restore one."""

    def page(self, parameters: Mapping[str, Any]) -> Answer:
        """View a page."""

    def undo(self, wanted: Mapping[str, Any]) -> Answer:
        """Undo what was done."""


class Rest:
    """A person's REST client; it can do more than others."""

    def __init__(self, portal: BlockingPortal, person: Person) -> None:
        self._portal = portal
        self._person = person

    def create(self, new: Mapping[str, Any], key: str | None = None) -> Answer:
        return self._send("POST", "", json=new, headers=_headers(idempotency_key=key))

    def put(self, todo_id: str, new: Mapping[str, Any]) -> Answer:
        return self._send("PUT", f"/{todo_id}", json=new)

    def get(self, todo_id: str, if_none_match: str | None = None) -> Answer:
        return self._send("GET", f"/{todo_id}", headers=_headers(if_none_match=if_none_match))

    def act(
        self, verb: str, todo_id: str, changes: Mapping[str, Any] = {}, if_match: str | None = None
    ) -> Answer:
        headers = _headers(if_match=if_match)
        if verb == "update":
            return self._send("PATCH", f"/{todo_id}", json=changes, headers=headers)
        if verb == "delete":
            return self._send("DELETE", f"/{todo_id}", headers=headers)
        return self._send("PATCH", f"/{todo_id}/{verb}", headers=headers)

    def batch(self, body: Mapping[str, Any], key: str | None = None) -> Answer:
        return self._send("POST", "/batch", json=body, headers=_headers(idempotency_key=key))

    def page(self, parameters: Mapping[str, Any], if_none_match: str | None = None) -> Answer:
        return self._send("GET", "", params=parameters, headers=_headers(if_none_match=if_none_match))

    def changes(self, parameters: Mapping[str, Any]) -> Answer:
        return self._send("GET", "/changes", params=parameters)

    def activity(self, parameters: Mapping[str, Any]) -> Answer:
        return self._ask("GET", "/api/activity", params=parameters)

    def undo(self, wanted: Mapping[str, Any]) -> Answer:
        return self._ask("POST", "/api/undo", json=wanted)

    def _send(self, method: str, path: str, **options: Any) -> Answer:
        return self._ask(method, f"/api/todos{path}", **options)

    def _ask(self, method: str, path: str, **options: Any) -> Answer:
        response = _wait(self._portal, lambda: self._person.request(method, path, **options))
        body = response.json() if response.content else None
        return Answer(response.status_code, body, response.headers, response.text)


class Mcp:
    """A person's agent. One message a call: the server keeps no sessions."""

    def __init__(self, portal: BlockingPortal, person: Person) -> None:
        self._portal = portal
        self._person = person

    def create(self, new: Mapping[str, Any]) -> Answer:
        return _one(self._call("create_todos", {"todos": [new]}))

    def get(self, todo_id: str) -> Answer:
        return self._call("get_todo", {"todo_id": todo_id})

    def act(self, verb: str, todo_id: str, changes: Mapping[str, Any] = {}) -> Answer:
        if verb == "update":
            return _one(self._call("update_todos", {"todos": [{**changes, "id": todo_id}]}))
        answer = _one(self._call(f"{verb}_todos", {"todo_ids": [todo_id]}))
        # A tool shows what it moved to the trash; here it is compared with what REST does.
        is_deleted = verb == "delete" and "error_code" not in answer.body
        return answer._replace(body=None) if is_deleted else answer

    def page(self, parameters: Mapping[str, Any]) -> Answer:
        return self._call("list_todos", parameters)

    def undo(self, wanted: Mapping[str, Any]) -> Answer:
        return self._call("undo", wanted)

    def _call(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        call = {"name": tool, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        headers = {"accept": "application/json, text/event-stream"}
        response = _wait(self._portal, lambda: self._person.post("/mcp", json=message, headers=headers))
        [event] = [line for line in response.text.splitlines() if line.startswith("data:")]
        result = json.loads(event.removeprefix("data:"))["result"]
        if not result["isError"]:
            return Answer(None, result["structuredContent"], None, response.text)
        code, _, _ = result["content"][0]["text"].partition(":")
        return Answer(None, {"error_code": code}, None, response.text)


def _one(answer: Answer) -> Answer:
    """Give the answer about the only todo of a call."""
    if "error_code" in answer.body:
        return answer
    [todo] = answer.body["todos"]
    return answer._replace(body=todo)


def _headers(**named: str | None) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in named.items() if value is not None}


def _wait(portal: BlockingPortal, send: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
    return portal.call(send)
