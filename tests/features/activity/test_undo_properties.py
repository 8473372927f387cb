"""Whatever was written, by whomever: undone, it is as before, and no later work is lost."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.factories import Issuer, Person, Service
from tests.isolation.run import service_aside
from todo.database.engine import connect
from todo.database.url import DatabaseUrl

# What a person sees of a todo, but for what counts or times its changes.
SEEN = "title", "description", "priority", "completed_at", "created_at", "deleted_at"
STATE = f"SELECT id::text, {', '.join(SEEN)} FROM todos WHERE user_id = $1"
EXISTENCE = "deleted_at"
PERSON, AGENT, OTHER = range(3)

State = Mapping[str, Mapping[str, Any]]


class Write(NamedTuple):
    """What a client is to do, and with which of the todos or actions so far."""

    client: int
    verb: str
    which: int
    fields: Mapping[str, Any]
    also: str


class Touch(NamedTuple):
    """Which fields of a todo a client has changed."""

    client: int
    todo_id: str
    fields: frozenset[str]


_fields = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["a", "b", "c"]),
        "description": st.sampled_from([None, "x", "y"]),
        "priority": st.sampled_from(["low", "high"]),
        "is_completed": st.booleans(),
    },
)
_SINGLE = ["create", "update", "update", "complete", "reopen", "delete", "restore"]
_MANY = [*_SINGLE, "batch", "batch", "undo"]


def writes(clients: Sequence[int], verbs: Sequence[str], most: int) -> st.SearchStrategy[list[Write]]:
    one = st.builds(
        Write,
        client=st.sampled_from(clients),
        verb=st.sampled_from(verbs),
        which=st.integers(0, 2),
        fields=_fields,
        also=st.sampled_from(_SINGLE[1:]),
    )
    return st.lists(one, min_size=most // 2, max_size=most)


class History:
    """A new person with three todos and three clients: themselves, an agent, and another agent."""

    def __init__(self, portal: BlockingPortal, service: Service) -> None:
        self._portal = portal
        self._service = service
        self._person = service.person()
        keys = [self._send(self._person, "POST", "/api/keys", {"name": name}) for name in ("agent", "other")]
        self.agent_id = f"key:{keys[0]['id']}"
        self._clients = [
            self._person,
            *(Person(service.client, key["key"], self._person.subject) for key in keys),
        ]
        self._ids: list[str] = []
        self._actions: list[int] = []
        for title in ("one", "two", "three"):
            self.write(Write(PERSON, "create", 0, {"title": title, "description": title}, ""))
        self.write(Write(OTHER, "complete", 1, {}, ""))
        self.write(Write(OTHER, "delete", 2, {}, ""))
        marker = self._send(self._person, "POST", "/api/todos", {"title": "from here on"})
        self.since: str = marker["created_at"]

    def write(self, write: Write) -> None:
        """Do it; what makes no sense now is refused, and changes nothing."""
        todo_id = self._ids[write.which % len(self._ids)] if self._ids else ""
        path, who = f"/api/todos/{todo_id}", self._clients[write.client]
        match write.verb:
            case "create":
                new = {"title": "new", **{k: v for k, v in write.fields.items() if k != "is_completed"}}
                self._ids.append(self._send(who, "POST", "/api/todos", new)["id"])
            case "update":
                self._send(who, "PATCH", path, write.fields)
            case "delete":
                self._send(who, "DELETE", path)
            case "batch":
                update = {"op": "update", "id": todo_id, "changes": write.fields}
                named = {"id": self._ids[-1 - write.which % len(self._ids)]}
                operations = [
                    update,
                    _operation(write.also, todo_id),
                    _operation("complete", **named),
                    update,
                ]
                self._send(who, "POST", "/api/todos/batch", {"operations": operations, "atomic": False})
            case "undo":
                actions = self._send(who, "GET", f"/api/activity?client={self.agent_id}")["items"]
                if actions:
                    self.undo(who, action=actions[write.which % len(actions)]["action"])
            case verb:
                self._send(who, "PATCH", f"{path}/{verb}")

    def undo(self, who: Person | None = None, **wanted: Any) -> dict[str, Any]:
        """Undo, as the person unless it is somebody else."""
        result: dict[str, Any] = self._send(who or self._person, "POST", "/api/undo", wanted)
        assert "error_code" not in result, result
        return result

    def state(self) -> State:
        """Give all todos as they are in the database."""
        return self._portal.call(self._state)

    def totals(self) -> list[int]:
        """Give how many are active, completed and in the trash, as lists say."""
        statuses = ("active", "completed", "deleted")
        return [self._send(self._person, "GET", f"/api/todos?status={name}")["total"] for name in statuses]

    async def _state(self) -> State:
        async with connect(self._service.owner_url) as owner:
            rows = await owner.fetch(STATE, UUID(self._person.subject))
        return {row["id"]: {name: row[name] for name in SEEN} for row in rows}

    def _send(self, who: Person, method: str, path: str, body: Any = None) -> Any:
        response = self._portal.call(lambda: who.request(method, path, json=body))
        assert response.status_code < 500, response.text
        return response.json() if response.content else {}


def _operation(verb: str, id: str) -> dict[str, Any]:  # noqa: A002  # as a batch names it
    return {"op": verb, "id": id} | ({"changes": {"title": "also"}} if verb == "update" else {})


@pytest.fixture(scope="module")
def aside(server: DatabaseUrl, issuer: Issuer) -> Iterator[tuple[BlockingPortal, Service]]:
    with service_aside(server, issuer) as aside:
        yield aside


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@examples(30)
@given(written=writes([AGENT], _MANY, 7))
def test_all_that_an_agent_wrote_is_undone_and_then_done_again(
    aside: tuple[BlockingPortal, Service], written: list[Write]
) -> None:
    history = History(*aside)
    before = history.state()
    for write in written:
        history.write(write)
    after = history.state()

    result = history.undo(client=history.agent_id, since=history.since)
    undone = history.state()
    if result["action"]:
        history.undo(action=result["action"])

    assert {todo_id: undone[todo_id] for todo_id in before} == before
    assert all(undone[todo_id]["deleted_at"] for todo_id in undone.keys() - before.keys())
    assert {one["outcome"] for one in result["todos"]} <= {"undone", "unchanged"}
    assert history.state() == after
    assert history.totals() == _counted(after)


@examples(45)
@given(written=writes([PERSON, AGENT, AGENT, OTHER], _SINGLE, 10))
def test_what_others_wrote_since_is_never_lost_and_stands_in_the_way_where_it_meets(
    aside: tuple[BlockingPortal, Service], written: list[Write]
) -> None:
    history = History(*aside)
    states, touches = [history.state()], list[Touch]()
    for write in written:
        history.write(write)
        states.append(history.state())
        touches += _touches(write.client, states[-2], states[-1])

    result = history.undo(client=history.agent_id, since=history.since)

    undone = history.state()
    assert history.totals() == _counted(undone)
    told = {one["id"]: one["outcome"] for one in result["todos"]}
    for todo_id, state in states[-1].items():
        theirs = [touch for touch in touches if touch.todo_id == todo_id]
        if not any(touch.client == AGENT for touch in theirs):
            assert (undone[todo_id], told.get(todo_id)) == (state, None)
        elif _is_met(theirs):
            assert (undone[todo_id], told[todo_id]) == (state, "conflict")
        else:
            assert told[todo_id] == "undone"
            _assert_without_the_agent(todo_id, theirs, states, undone[todo_id])


def _counted(state: State) -> list[int]:
    live = [todo for todo in state.values() if todo[EXISTENCE] is None]
    completed = sum(todo["completed_at"] is not None for todo in live)
    return [len(live) - completed, completed, len(state) - len(live)]


def _touches(client: int, before: State, after: State) -> Iterator[Touch]:
    for todo_id, state in after.items():
        if todo_id not in before:
            yield Touch(client, todo_id, frozenset({EXISTENCE}))
        elif fields := frozenset(name for name in SEEN if before[todo_id][name] != state[name]):
            yield Touch(client, todo_id, fields)


def _is_met(touches: Sequence[Touch]) -> bool:
    """Whether somebody else has changed, after the agent, what the agent has changed."""
    return any(
        EXISTENCE in mine.fields | later.fields or mine.fields & later.fields
        for number, mine in enumerate(touches)
        for later in touches[number:]
        if mine.client == AGENT != later.client
    )


def _assert_without_the_agent(
    todo_id: str, touches: Sequence[Touch], states: Sequence[State], undone: Mapping[str, Any]
) -> None:
    if todo_id not in states[0] and touches[0].client == AGENT:
        assert undone[EXISTENCE]
        return
    first = next(state[todo_id] for state in states if todo_id in state)
    for name in SEEN:
        by_others = any(name in touch.fields for touch in touches if touch.client != AGENT)
        if not by_others:
            assert undone[name] == first[name]
        elif not any(name in touch.fields for touch in touches if touch.client == AGENT):
            assert undone[name] == states[-1][todo_id][name]
