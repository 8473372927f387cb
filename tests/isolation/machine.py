"""Three people work on their own and each other's todos at random; the model says what each is answered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import uuid_utils.compat as uuids
from anyio.from_thread import BlockingPortal
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
)

from tests.factories import MCP_AUDIENCE, Service
from tests.isolation.clients import Answer, Mcp, Rest
from tests.isolation.judge import Judge
from tests.isolation.model import PRIORITIES, Expected, Question, Refusal, Since, Source, Versions, World

_PEOPLE = 3
# Whoever is shown another's has been shown somebody else's words.
_MARKS = ["~alice~", "~bob~", "~carol~"]
_TEXTS = ["a", "A", "b", "é", "É", "100 %", "x_y", "back\\slash", "two words"]
_SORTS = [sign + name for name in ("created_at", "updated_at", "priority", "title") for sign in ("", "-")]
_STATUSES = ["all", "active", "completed", "deleted"]
_ACTS = ["complete", "reopen", "delete", "restore"]
_PERSON, _AGENT = "person", "app:agent"
_ROLLED_BACK = "00000000-0000-7000-8000-000000000000"


class Ref(NamedTuple):
    """An id, and who had it first."""

    id: str
    owner: int


class Cursor(NamedTuple):
    """A text that goes on with a list, and the list it came from."""

    text: str
    owner: int
    question: Question


class Keyed(NamedTuple):
    """A request that may be sent again, under its key if it has one."""

    owner: int
    verb: str
    body: Mapping[str, Any]
    key: str | None


todos: Bundle[Ref] = Bundle("todos")
cursors: Bundle[Cursor] = Bundle("cursors")
tokens: Bundle[Ref] = Bundle("tokens")
requests: Bundle[Keyed] = Bundle("requests")

people = st.integers(0, _PEOPLE - 1)
# Whose turn it is, counted from the one it belongs to: mostly their own.
shifts = st.sampled_from([0, 0, 0, 0, 1, 2])
by_agent = st.sampled_from([False, False, True])
spoilt = st.sampled_from([False] * 5 + [True])
texts = st.sampled_from(_TEXTS)
fields = st.fixed_dictionaries(
    {"title": texts},
    optional={"description": st.none() | texts, "priority": st.sampled_from(PRIORITIES)},
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "description": st.none() | texts,
        "priority": st.sampled_from(PRIORITIES),
        "is_completed": st.booleans(),
    },
)
# A stale one says something only of a todo that would change, so it must come often.
conditions = st.sampled_from(
    [*["none"] * 4, "any", "current", "current", *["stale"] * 4, "several", "weak", "bad"]
)
questions = st.builds(
    Question,
    status=st.sampled_from(["all", "all", *_STATUSES]),
    priorities=st.sampled_from([(), (), (), ("high",), ("high", "medium"), ("low", "urgent")]),
    q=st.sampled_from(["", "", "", "", "A", "é", "%", "x y", "sl", "~", *_MARKS]),
    sort=st.sampled_from(_SORTS),
)
limits = st.sampled_from([1, 1, 2, 3, 100, None])
operations = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["create", "create", "update", *_ACTS]),
            "new": fields,
            "changes": changes,
            "names": st.integers(0, 5),
            "temp_id": st.booleans(),
            "version": st.sampled_from([None, None, 0, 1]),
        }
    ),
    min_size=1,
    max_size=6,
)


class PeopleApart(RuleBasedStateMachine):
    """One history. Its people are new, so histories share a database and do not meet."""

    def __init__(self, portal: BlockingPortal, service: Service) -> None:
        super().__init__()
        accounts = [service.person() for _ in range(_PEOPLE)]
        for account in accounts:
            account.agent_token = service.issuer.token(account.subject, aud=MCP_AUDIENCE, azp="agent")
        self._rest = [Rest(portal, account) for account in accounts]
        self._agents = [Mcp(portal, account) for account in accounts]
        self._world = World(_PEOPLE)
        self._judge = Judge(_MARKS)
        self._ids: set[str] = set()
        self._first_tokens: list[str] = []

    @initialize(target=todos)
    def nobodys(self) -> MultipleResults[Ref]:
        """Ids that nobody has yet; the last is of a kind that nobody may choose."""
        return multiple(*(Ref(str(an_id), 0) for an_id in (uuids.uuid7(), uuids.uuid7(), uuid4())))

    @initialize(target=tokens)
    def beginnings(self) -> MultipleResults[Ref]:
        """A token of everybody from before their first change."""
        self._first_tokens = [self._token_of_now(who) for who in range(_PEOPLE)]
        return multiple(*(Ref(token, who) for who, token in enumerate(self._first_tokens)))

    @initialize(target=todos)
    def belongings(self) -> MultipleResults[Ref]:
        """Five todos of everybody: two open, one done, one in the trash, and one under the same id."""
        refs: list[Ref] = []
        shared = Ref(str(uuids.uuid7()), 0)
        for who in range(_PEOPLE):
            made = [
                {"op": "create", "temp_id": f"t{number}", "todo": _signed(who, {"title": text})}
                for number, text in enumerate(_TEXTS[:4])
            ]
            acts = [{"op": "complete", "temp_id": "t2"}, {"op": "delete", "temp_id": "t3"}]
            answer = self._send(Keyed(who, "batch", {"operations": [*made, *acts]}, None), who)
            refs += [Ref(result["todo"]["id"], who) for result in answer.body["results"][: len(made)]]
            refs.append(Ref(shared.id, who))
            self.put(shared, who, {"title": "shared"})
        return multiple(*refs)

    @initialize(target=cursors, sort=st.sampled_from(_SORTS))
    def bookmarks(self, sort: str) -> MultipleResults[Cursor]:
        """A cursor of everybody from before the rest happens."""
        question = Question(sort=sort)
        found = [self.page(who, question, 1, None, agent=False) for who in range(_PEOPLE)]
        return multiple(*(cursor for cursor in found if isinstance(cursor, Cursor)))

    @rule(target=todos, who=people, new=fields, agent=by_agent)
    def create(self, who: int, new: Mapping[str, Any], *, agent: bool) -> Ref:
        new = _signed(who, new)
        self._world.source = _source("create", agent=agent)
        answer = (self._agents if agent else self._rest)[who].create(new)
        self._check(who, answer, lambda: self._world.create(who, new, lambda: self._fresh(answer.body)))
        return Ref(answer.body["id"], who)

    @rule(target=todos, todo=todos, shift=shifts, new=fields)
    def put(self, todo: Ref, shift: int, new: Mapping[str, Any]) -> Ref:
        who = (todo.owner + shift) % _PEOPLE
        new = _signed(who, new)
        self._world.source = _source("put")
        answer = self._rest[who].put(todo.id, new)
        self._check(who, answer, lambda: self._world.put(who, todo.id, new))
        return Ref(todo.id, who)

    @rule(todo=todos, shift=shifts, condition=conditions, agent=by_agent)
    def get(self, todo: Ref, shift: int, condition: str, *, agent: bool) -> None:
        who = (todo.owner + shift) % _PEOPLE
        if agent:
            answer = self._agents[who].get(todo.id)
            self._check(who, answer, lambda: self._world.get(who, todo.id))
            return
        version = self._world.version(who, todo.id)
        header, versions = _tag(condition, version)
        seen = {"none": (), "weak": {version}}.get(condition, versions)
        answer = self._rest[who].get(todo.id, header)
        self._check(who, answer, lambda: self._world.get(who, todo.id, seen))

    @rule(todo=todos, shift=shifts, wanted=changes, condition=conditions, agent=by_agent)
    def update(
        self, todo: Ref, shift: int, wanted: Mapping[str, Any], condition: str, *, agent: bool
    ) -> None:
        self._act("update", todo, shift, wanted, condition, agent=agent)

    @rule(todo=todos, shift=shifts, verb=st.sampled_from(_ACTS), condition=conditions, agent=by_agent)
    def act(self, todo: Ref, shift: int, verb: str, condition: str, *, agent: bool) -> None:
        self._act(verb, todo, shift, {}, condition, agent=agent)

    @rule(target=requests, who=people, new=fields, key=st.sampled_from(["key-1", "key-2"]))
    def create_once(self, who: int, new: Mapping[str, Any], key: str) -> Keyed:
        request = Keyed(who, "create", _signed(who, new), key)
        self._send(request, who)
        return request

    @rule(
        target=requests,
        named=st.lists(todos, min_size=1, max_size=4),
        shift=shifts,
        asked=operations,
        atomic=st.sampled_from([None, True, False, False]),
        key=st.sampled_from([None, "key-1", "key-3"]),
    )
    def batch(  # what makes a batch
        self,
        named: list[Ref],
        shift: int,
        asked: Sequence[Mapping[str, Any]],
        atomic: bool | None,  # noqa: FBT001  # left out, true or false
        key: str | None,
    ) -> Keyed:
        who = (named[0].owner + shift) % _PEOPLE
        body: dict[str, Any] = {"operations": self._operations(who, named, asked)}
        if atomic is not None:
            body["atomic"] = atomic
        request = Keyed(who, "batch", body, key)
        self._send(request, who)
        return request

    @rule(request=requests, shift=shifts, is_other=st.sampled_from([False, False, True]))
    def send_again(self, request: Keyed, shift: int, *, is_other: bool) -> None:
        """The same request, or another under its key; also by somebody else."""
        who = (request.owner + shift) % _PEOPLE
        body = request.body
        if is_other or who != request.owner:
            body = {"title": f"other {_MARKS[who]}"}
            request = request._replace(verb="create")
        self._send(request._replace(body=body), who)

    @rule(
        target=cursors,
        who=people,
        question=questions,
        limit=limits,
        offset=st.sampled_from([None, None, 0, 1, 3]),
        agent=by_agent,
    )
    def page(  # what makes a page
        self, who: int, question: Question, limit: int | None, offset: int | None, *, agent: bool
    ) -> Cursor | MultipleResults[Cursor]:
        parameters = _parameters(question, limit=limit, offset=offset)
        answer = (self._agents if agent else self._rest)[who].page(parameters)
        self._check(who, answer, lambda: self._world.page(who, question, limit, offset))
        if not agent:
            again = self._rest[who].page(parameters, self._judge.compare_tag(answer))
            assert (again.status, again.text) == (304, "")
        return _following(who, question, answer)

    @rule(
        target=cursors,
        cursor=cursors,
        shift=shifts,
        other=st.none() | questions,
        limit=limits,
        agent=by_agent,
        is_spoilt=spoilt,
    )
    def go_on(  # noqa: PLR0913  # what a cursor can be used with
        self,
        cursor: Cursor,
        shift: int,
        other: Question | None,
        limit: int | None,
        *,
        agent: bool,
        is_spoilt: bool,
    ) -> Cursor | MultipleResults[Cursor]:
        """Go on with a cursor; also somebody else, or with another question."""
        who = (cursor.owner + shift) % _PEOPLE
        question = other or cursor.question
        text = _spoilt(cursor.text) if is_spoilt else cursor.text
        meaning = self._judge.meaning(text)
        parameters = _parameters(question, limit=limit, cursor=text)
        answer = (self._agents if agent else self._rest)[who].page(parameters)
        self._check(who, answer, lambda: self._world.go_on(who, question, limit, meaning))
        return _following(who, question, answer)

    @rule(who=people, question=questions, limit=st.sampled_from([1, 2, 3]))
    def walk(self, who: int, question: Question, limit: int) -> None:
        """Follow the cursors to the end: what is shown is the whole list, each once."""
        self._walk(who, question, limit)

    @rule(
        target=tokens,
        token=tokens,
        shift=shifts,
        limit=st.sampled_from([1, 2, 1000]),
        is_spoilt=spoilt,
        anew=st.sampled_from([False, False, True]),
    )
    def changes(
        self, token: Ref, shift: int, limit: int, *, is_spoilt: bool, anew: bool
    ) -> Ref | MultipleResults[Ref]:
        who = (token.owner + shift) % _PEOPLE
        if anew:
            return Ref(self._token_of_now(who), who)
        text = _spoilt(token.id) if is_spoilt else token.id
        answer = self._changes(who, text, limit)
        return Ref(answer.body["next"], who) if answer.status == 200 else multiple()

    @rule(
        who=people,
        todo=st.none() | todos,
        client=st.sampled_from([None, None, _PERSON, _AGENT, "app:nobody"]),
        limit=st.sampled_from([1, 3, 100]),
    )
    def activity(self, who: int, todo: Ref | None, client: str | None, limit: int) -> None:
        self._activity(who, limit, client, todo and todo.id)

    @rule(
        owner=people,
        shift=shifts,
        which=st.integers(0, 30),
        is_built_on=st.booleans(),
        is_since=st.booleans(),
        agent=by_agent,
        atomic=spoilt,
        dry_run=spoilt,
    )
    def undo(  # noqa: PLR0913  # what there is to say about an undo
        self,
        owner: int,
        shift: int,
        which: int,
        *,
        is_built_on: bool,
        is_since: bool,
        agent: bool,
        atomic: bool,
        dry_run: bool,
    ) -> None:
        """Undo something, or try what was somebody else's: the same number may be one's own too."""
        who = (owner + shift) % _PEOPLE
        entries = self._activity(owner)
        if who != owner:
            self._activity(who)
        later = [entry["todo_id"] for entry in entries]
        built_on = [entry for number, entry in enumerate(entries) if entry["todo_id"] in later[:number]]
        choice = (is_built_on and built_on) or entries
        entry = choice[which % len(choice)]
        asked: dict[str, Any] = {"action": entry["action"]}
        wanted: Any = self._judge.number("action", who, entry["action"])
        if is_since:
            asked = {"since": entry["at"]} if agent else {"client": entry["client"], "since": entry["at"]}
            wanted = Since(_AGENT if agent else entry["client"], self._judge.moment(entry["at"]))
        options = {} if agent else {"atomic": atomic, "dry_run": dry_run}
        self._world.source = Source(_AGENT if agent else _PERSON, "undo")
        answer = (self._agents if agent else self._rest)[who].undo({**asked, **options})
        self._check(
            who,
            answer,
            lambda: self._world.undo(
                who,
                wanted,
                bound_to=_AGENT if agent else None,
                atomic=options.get("atomic", False),
                dry_run=options.get("dry_run", False),
            ),
        )

    def teardown(self) -> None:
        """In the end everybody has what they should have, and was told of every step."""
        for who, token in enumerate(self._first_tokens):
            for status in ("all", "deleted"):
                self._walk(who, Question(status), 100)
            self._changes(who, token, 1000)
            self._activity(who)

    def _token_of_now(self, who: int) -> str:
        answer = self._rest[who].changes({})
        self._check(who, answer, lambda: self._world.token(who))
        token: str = answer.body["next"]
        return token

    def _changes(self, who: int, token: str, limit: int) -> Answer:
        meaning = self._judge.meaning(token)
        answer = self._rest[who].changes({"since": token, "limit": limit})
        self._check(who, answer, lambda: self._world.changes(who, meaning, limit))
        return answer

    def _activity(
        self, who: int, limit: int = 100, client: str | None = None, todo_id: str | None = None
    ) -> list[Any]:
        """Read activity to its beginning, and give it."""
        filters = {"client": client, "todo_id": todo_id, "limit": limit}
        asked = {name: value for name, value in filters.items() if value is not None}
        entries: list[Any] = []
        cursor: str | None = None
        while True:
            answer = self._rest[who].activity(asked | ({"cursor": cursor} if cursor else {}))
            place = self._judge.meaning(cursor) if cursor else None
            expected = self._world.activity(who, limit, place, client, todo_id)
            self._judge.compare(who, answer, expected)
            entries += answer.body["items"]
            cursor = answer.body["page"]["next_cursor"]
            if cursor is None:
                return entries

    def _walk(self, who: int, question: Question, limit: int) -> None:
        shown: list[str] = []
        answer = self._rest[who].page(_parameters(question, limit=limit))
        self._check(who, answer, lambda: self._world.page(who, question, limit, None))
        shown += [todo["id"] for todo in answer.body["items"]]
        while cursor := answer.body["page"]["next_cursor"]:
            meaning = self._judge.meaning(cursor)
            answer = self._rest[who].page(_parameters(question, limit=limit, cursor=cursor))
            expected = self._world.go_on(who, question, limit, meaning)
            self._judge.compare(who, answer, expected)
            shown += [todo["id"] for todo in answer.body["items"]]
        assert shown == [todo["id"] for todo in self._world.matching(who, question)]

    def _act(  # noqa: PLR0913  # what there is to say about a change
        self, verb: str, todo: Ref, shift: int, wanted: Mapping[str, Any], condition: str, *, agent: bool
    ) -> None:
        who = (todo.owner + shift) % _PEOPLE
        wanted = _signed(who, wanted)
        self._world.source = _source(verb, agent=agent)
        if agent:
            answer = self._agents[who].act(verb, todo.id, wanted)
            self._check(who, answer, lambda: self._world.act(who, verb, todo.id, None, wanted))
            return
        header, versions = _tag(condition, self._world.version(who, todo.id))
        answer = self._rest[who].act(verb, todo.id, wanted, header)
        self._check(who, answer, lambda: self._world.act(who, verb, todo.id, versions, wanted))

    def _operations(
        self, who: int, named: Sequence[Ref], asked: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        written: list[dict[str, Any]] = []
        made: list[str] = []
        for number, one in enumerate(asked):
            operation = {"op": one["op"]}
            if one["op"] == "create":
                operation["todo"] = _signed(who, one["new"])
                if one["temp_id"]:
                    made.append(f"temp-{number}")
                    operation["temp_id"] = made[-1]
            else:
                if made and one["temp_id"]:
                    operation["temp_id"] = made[one["names"] % len(made)]
                else:
                    operation["id"] = named[one["names"] % len(named)].id
                if one["version"] is not None:
                    version = self._world.version(who, operation.get("id", ""))
                    operation["version"] = version + one["version"]
                if one["op"] == "update":
                    operation["changes"] = _signed(who, one["changes"])
            written.append(operation)
        return written

    def _send(self, request: Keyed, who: int) -> Answer:
        _, verb, body, key = request
        self._world.source = Source(_PERSON, "batch_todos" if verb == "batch" else "create_todo")
        answer = self._rest[who].create(body, key) if verb == "create" else self._rest[who].batch(body, key)
        made = iter([answer.body])
        if verb == "batch":
            made = iter(
                [result["todo"] for result in answer.body.get("results", []) if result["status"] == 201]
            )

        def act() -> Expected:
            work = self._world.create if verb == "create" else self._world.batch
            return work(who, body, lambda: self._fresh(next(made, None)))

        asked = [verb, {"description": None, "priority": "medium", **body} if verb == "create" else body]
        self._check(who, answer, lambda: self._world.once(who, key, asked, act, answer.text))
        return answer

    def _fresh(self, todo: Any) -> str:
        """Give the id the service chose, which must be a new one; any, where nothing was made."""
        todo_id = str(todo["id"]) if todo and "id" in todo else _ROLLED_BACK
        if todo_id != _ROLLED_BACK:
            assert UUID(todo_id).version == 7
            assert todo_id not in self._ids, "an id is given twice"
            self._ids.add(todo_id)
        return todo_id

    def _check(self, who: int, answer: Answer, work: Callable[[], Expected]) -> None:
        self._judge.see(who, answer)
        try:
            expected = work()
        except Refusal as refusal:
            expected = refusal.expected()
        self._judge.compare(who, answer, expected)


def _source(verb: str, *, agent: bool = False) -> Source:
    return Source(_AGENT, f"{verb}_todos") if agent else Source(_PERSON, f"{verb}_todo")


def _signed(who: int, texts: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields with the mark of who wrote them in each text."""
    return {
        name: f"{value} {_MARKS[who]}" if name in {"title", "description"} and value is not None else value
        for name, value in texts.items()
    }


def _tag(condition: str, version: int) -> tuple[str | None, Versions]:
    """Give a condition as a header, and the versions it allows where tags are compared strongly."""
    return {
        "none": (None, None),
        "any": ("*", None),
        "current": (f'"{version}"', {version}),
        "stale": (f'"{version - 1}"', {version - 1}),
        "several": (f'"77", "{version}"', {77, version}),
        "weak": (f'W/"{version}"', set[int]()),
        "bad": ("nonsense", set[int]()),
    }[condition]


def _parameters(question: Question, **paging: Any) -> dict[str, Any]:
    wanted = {
        "status": question.status,
        "priority": list(question.priorities),
        "q": question.q,
        "sort": question.sort,
        **paging,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def _following(who: int, question: Question, answer: Answer) -> Cursor | MultipleResults[Cursor]:
    cursor = answer.body.get("page", {}).get("next_cursor")
    return Cursor(cursor, who, question) if cursor else multiple()


def _spoilt(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]
