"""What the service must answer, worked out with dictionaries: no database, no SQL, nothing of the product."""

import json
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from tests.naive_search import finds

PRIORITIES = ("low", "medium", "high", "urgent")
PAGE_LIMIT = 20
_UUID_VERSION = 7
_PUT_BACK = ("title", "description", "priority", "completed_at", "deleted_at")
_CONFLICTS_SAID = 10

Todo = Mapping[str, Any]
Versions = Collection[int] | None
ChooseId = Callable[[], str]


class Moment(NamedTuple):
    """A time of which only its place among the others is known."""

    tick: int


class Opaque(NamedTuple):
    """A text that only the service can write, and what it stands for."""

    meaning: Hashable


class Number(NamedTuple):
    """A number of a person's that stands for one thing, and that alone."""

    kind: str
    who: int
    of: int


class Since(NamedTuple):
    """Everything that a client does from a moment on."""

    client: str
    moment: Moment


class Source(NamedTuple):
    """Which client does something, with which operation or tool."""

    client: str
    tool: str


class Wording(NamedTuple):
    """A text that is free, but the same wherever this stands."""

    of: Hashable


class Question(NamedTuple):
    """What a list is asked for, on all its pages."""

    status: str = "all"
    priorities: tuple[str, ...] = ()
    q: str = ""
    sort: str = "-created_at"


@dataclass(frozen=True)
class Expected:
    """An answer, as far as it can be known beforehand."""

    status: int
    body: Any = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    text: str | None = None


class Refusal(Exception):
    """How the service must refuse."""

    def __init__(self, status: int, code: str, *errors: tuple[Hashable, ...]) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.errors = errors

    def expected(self) -> Expected:
        words = {part: Wording((self.code, part)) for part in ("title", "detail")}
        body = {
            "type": f"urn:todo:problem:{self.code}",
            "status": self.status,
            "error_code": self.code,
            "request_id": Opaque("request id"),
            **words,
        }
        if self.errors:
            body["errors"] = [
                {"location": location, "pointer": pointer}
                | {part: Wording((self.code, pointer, part, *about)) for part in ("code", "detail")}
                for location, pointer, *about in self.errors
            ]
        return Expected(self.status, body)

    def result(self) -> dict[str, Any]:
        """Say it as the result of one operation of a batch does."""
        words = {part: Wording((self.code, part)) for part in ("title", "detail")}
        return {"error_code": self.code, **words}


def _not_found() -> Refusal:
    return Refusal(404, "todo_not_found")


@dataclass(frozen=True)
class _Entry:
    """A change: the todo after it, and the fields that changed, as they were; nothing of a new one."""

    kind: str
    todo: Todo
    at: Moment
    source: Source
    before: Mapping[str, Any] | None
    undoes: int | None

    @property
    def todo_id(self) -> str:
        return str(self.todo["id"])

    def meets(self, other: "_Entry") -> bool:
        """Whether one of the two would be lost or without sense if the other were undone."""
        fields = [{"deleted_at"} if one.before is None else set(one.before) for one in (self, other)]
        return bool("deleted_at" in fields[0] | fields[1] or fields[0] & fields[1])


@dataclass
class _Person:
    todos: dict[str, Todo] = field(default_factory=dict)
    log: list[_Entry] = field(default_factory=list)
    kept: dict[str, tuple[str, Expected]] = field(default_factory=dict)


class World:
    """The todos of some people, and the rules they go by."""

    def __init__(self, people: int) -> None:
        self._people = [_Person() for _ in range(people)]
        self._ticks = 0
        self.source = Source("", "")

    def version(self, who: int, todo_id: str) -> int:
        """Give the version a person would read; 1 if there is nothing to read."""
        todo = self._people[who].todos.get(todo_id)
        return 1 if todo is None else int(todo["version"])

    def log_length(self, who: int) -> int:
        """Give how many changes a person has made."""
        return len(self._people[who].log)

    def create(self, who: int, new: Mapping[str, Any], choose_id: ChooseId) -> Expected:
        """Add a todo under an id the service chooses."""
        todo = self._add(who, choose_id(), new, self._now())
        return Expected(201, todo, _etag(todo) | {"location": f"/api/todos/{todo['id']}"})

    def put(self, who: int, todo_id: str, new: Mapping[str, Any]) -> Expected:
        """Add a todo under an id the person chose, once."""
        if UUID(todo_id).version != _UUID_VERSION:
            raise Refusal(422, "validation_failed", ("path", "/todo_id"))
        todo = self._people[who].todos.get(todo_id)
        if todo is not None:
            return Expected(200, todo, _etag(todo))
        return self.create(who, new, lambda: todo_id)

    def get(self, who: int, todo_id: str, seen: Versions = ()) -> Expected:
        """Give a todo, unless one of the versions `seen` is the one it has; None is any."""
        todo = self._mine(who, todo_id)
        if todo["deleted_at"] is not None:
            raise _not_found()
        if seen is None or todo["version"] in seen:
            return Expected(304, None, _etag(todo))
        return Expected(200, todo, _etag(todo))

    def act(
        self, who: int, verb: str, todo_id: str, versions: Versions = None, changes: Mapping[str, Any] = {}
    ) -> Expected:
        """Update, complete, reopen, delete or restore a todo that is at one of the versions; None is any."""
        todo = self._act(who, verb, todo_id, versions, changes=changes, at=self._now())
        return Expected(204) if verb == "delete" else Expected(200, todo, _etag(todo))

    def batch(self, who: int, body: Mapping[str, Any], choose_id: ChooseId) -> Expected:
        """Do operations one after the other, all of one moment."""
        person, at = self._people[who], self._now()
        before = (dict(person.todos), list(person.log))
        made: dict[str, str] = {}
        results = []
        for number, operation in enumerate(body["operations"]):
            try:
                results.append(self._operate(who, operation, made, choose_id, at))
            except Refusal as refusal:
                if body.get("atomic", True):
                    person.todos, person.log = before
                    pointer = f"/operations/{number}"
                    raise Refusal(refusal.status, refusal.code, ("body", pointer)) from None
                results.append(_result(refusal.status, operation, problem=refusal.result()))
        return Expected(200, {"results": results})

    def once(  # what makes a keyed request
        self, who: int, key: str | None, asked: Any, act: Callable[[], Expected], text: str
    ) -> Expected:
        """Do what is asked once per key; `text` is the answer that is judged, kept if it is the first."""
        if key is None:
            return act()
        kept = self._people[who].kept
        fingerprint = json.dumps(asked, sort_keys=True)
        if key not in kept:
            expected = act()
            replay = {**expected.headers, "idempotent-replayed": "true"}
            kept[key] = fingerprint, Expected(expected.status, json.loads(text), replay, text)
            return expected
        asked_before, answer = kept[key]
        if asked_before != fingerprint:
            raise Refusal(422, "idempotency_key_reused", ("header", "/Idempotency-Key"))
        return answer

    def page(self, who: int, question: Question, limit: int | None, offset: int | None) -> Expected:
        """Give a page and the total."""
        matching = self.matching(who, question)
        return self._shown(who, question, matching, matching[offset or 0 :], limit=limit, offset=offset or 0)

    def go_on(self, who: int, question: Question, limit: int | None, cursor: Hashable) -> Expected:
        """Give the page after a cursor, which is good for its own person and question."""
        match cursor:
            case ("cursor", by, about, tuple(position)) if (by, about) == (who, question):
                matching = self.matching(who, question)
                rest = [todo for todo in matching if _is_after(question, _place(question, todo), position)]
                return self._shown(who, question, matching, rest, limit=limit, offset=None)
            case _:
                raise Refusal(422, "validation_failed", ("query", "/cursor"))

    def matching(self, who: int, question: Question) -> list[Todo]:
        """Give all that a list has, in its order."""
        todos = [todo for todo in self._people[who].todos.values() if _matches(question, todo)]
        is_descending = question.sort.startswith("-")
        return sorted(todos, key=lambda todo: _place(question, todo), reverse=is_descending)

    def token(self, who: int) -> Expected:
        """Give the token of now."""
        return self._changes(who, [], self.log_length(who), has_more=False)

    def changes(self, who: int, token: Hashable, limit: int) -> Expected:
        """Give the changes after a token, which is good for its own person."""
        match token:
            case ("token", by, int(start)) if by == who:
                rest = self._people[who].log[start:]
                shown = rest[:limit]
                return self._changes(who, shown, start + len(shown), has_more=len(rest) > limit)
            case _:
                raise Refusal(422, "validation_failed", ("query", "/since"))

    def activity(
        self,
        who: int,
        limit: int,
        cursor: Hashable = None,
        client: str | None = None,
        todo_id: str | None = None,
    ) -> Expected:
        """Give a page of the changes of one client or one todo, the newest first."""
        log = self._people[who].log
        match cursor:
            case None:
                end = len(log)
            case ("activity", by, about, int(end)) if (by, about) == (who, (client, todo_id)):
                pass
            case _:
                raise Refusal(422, "validation_failed", ("query", "/cursor"))
        found = [
            place
            for place in range(end - 1, -1, -1)
            if client in {None, log[place].source.client} and todo_id in {None, log[place].todo_id}
        ]
        shown, has_more = found[:limit], len(found) > limit
        following = Opaque(("activity", who, (client, todo_id), shown[-1])) if has_more else None
        page = {"limit": limit, "next_cursor": following, "has_more": has_more}
        return Expected(200, {"items": [self._told(who, place) for place in shown], "page": page})

    def undo(
        self,
        who: int,
        wanted: Number | Since | None,
        *,
        bound_to: str | None,
        atomic: bool,
        dry_run: bool,
    ) -> Expected:
        """Undo an action, or what a client has done since a moment; nobody's later change is lost."""
        person, at = self._people[who], self._now()
        chosen = self._chosen(who, wanted, bound_to)
        before = (dict(person.todos), list(person.log))
        undone: list[int] = []
        told: dict[str, tuple[str, list[int]]] = {}
        for todo_id in dict.fromkeys(person.log[place].todo_id for place in chosen):
            past = [place for place, entry in enumerate(person.log) if entry.todo_id == todo_id]
            past = past[past.index(next(place for place in chosen if place in past)) :]
            standing = [place for place in past if not _is_settled(person.log, past, chosen, place)]
            mine = [place for place in standing if place in chosen]
            conflicts = [
                other
                for other in reversed(standing)
                if other not in chosen
                and any(one < other and person.log[one].meets(person.log[other]) for one in mine)
            ]
            told[todo_id] = "conflict" if conflicts else "undone" if mine else "unchanged", conflicts
            undone += [] if conflicts else mine
        errors = [
            ("body", f"/{'action' if isinstance(wanted, Number) else 'since'}", at, todo_id)
            for todo_id, (_, conflicts) in told.items()
            if conflicts
        ]
        if atomic and errors:
            raise Refusal(409, "undo_conflict", *errors)
        for place in sorted(undone, reverse=True):
            self._put_back(who, place, at)
        body = {
            "action": Number("action", who, at.tick) if undone and not dry_run else None,
            "todos": [
                {
                    "id": todo_id,
                    "outcome": outcome,
                    "todo": person.todos[todo_id],
                    "conflicts": [self._made(who, place) for place in conflicts[:_CONFLICTS_SAID]],
                }
                for todo_id, (outcome, conflicts) in told.items()
            ],
        }
        if dry_run:
            person.todos, person.log = before
        return Expected(200, body)

    def _chosen(self, who: int, wanted: Number | Since | None, bound_to: str | None) -> list[int]:
        log = self._people[who].log
        if isinstance(wanted, Since):
            client, since = wanted
            found = [n for n, entry in enumerate(log) if entry.source.client == client and entry.at >= since]
        else:
            found = [n for n, entry in enumerate(log) if Number("action", who, entry.at.tick) == wanted]
            if not found:
                raise Refusal(404, "action_not_found")
            client = log[found[0]].source.client
        if bound_to not in {None, client}:
            raise Refusal(403, "action_not_yours")
        return found

    def _put_back(self, who: int, place: int, at: Moment) -> None:
        entry = self._people[who].log[place]
        todo = self._people[who].todos[entry.todo_id]
        fields = {"deleted_at": at} if entry.before is None else entry.before
        kind = "updated"
        if "deleted_at" in fields:
            kind = "restored" if fields["deleted_at"] is None else "deleted"
        elif "completed_at" in fields:
            kind = "reopened" if fields["completed_at"] is None else "completed"
        new = {**todo, **fields, "version": todo["version"] + 1, "updated_at": at}
        new["is_completed"] = new["completed_at"] is not None
        self._record(who, kind, new, at, undoes=place)

    def _made(self, who: int, place: int) -> dict[str, Any]:
        entry = self._people[who].log[place]
        return {
            "seq": Number("change", who, place),
            "action": Number("action", who, entry.at.tick),
            "kind": entry.kind,
            "at": entry.at,
            "client": entry.source.client,
            "client_name": None,
            "tool": entry.source.tool,
            "reason": None,
        }

    def _told(self, who: int, place: int) -> dict[str, Any]:
        entry = self._people[who].log[place]
        undoes = None if entry.undoes is None else Number("change", who, entry.undoes)
        more = {"todo_id": entry.todo_id, "todo": entry.todo, "before": entry.before, "undoes": undoes}
        return self._made(who, place) | more

    def _changes(self, who: int, shown: Iterable[_Entry], end: int, *, has_more: bool) -> Expected:
        following = Opaque(("token", who, end))
        changes = [
            {"kind": entry.kind, "id": entry.todo_id, "todo": entry.todo, "at": entry.at} for entry in shown
        ]
        return Expected(200, {"changes": changes, "next": following, "has_more": has_more})

    def _shown(  # noqa: PLR0913  # what makes a page
        self,
        who: int,
        question: Question,
        matching: list[Todo],
        rest: list[Todo],
        *,
        limit: int | None,
        offset: int | None,
    ) -> Expected:
        limit = limit or PAGE_LIMIT
        items = rest[:limit]
        has_more = len(rest) > limit
        following = Opaque(("cursor", who, question, _place(question, items[-1]))) if has_more else None
        page = {"limit": limit, "offset": offset, "next_cursor": following, "has_more": has_more}
        return Expected(200, {"items": items, "total": len(matching), "page": page})

    def _operate(
        self, who: int, operation: Mapping[str, Any], made: dict[str, str], choose_id: ChooseId, at: Moment
    ) -> dict[str, Any]:
        verb, temp_id = operation["op"], operation.get("temp_id")
        if verb == "create":
            todo = self._add(who, choose_id(), operation["todo"], at)
            if temp_id is not None:
                made[temp_id] = todo["id"]
            return _result(201, operation, todo=todo)
        versions = {operation["version"]} if "version" in operation else None
        todo_id = operation.get("id") or made[str(temp_id)]
        todo = self._act(who, verb, todo_id, versions, changes=operation.get("changes", {}), at=at)
        return _result(204, operation) if verb == "delete" else _result(200, operation, todo=todo)

    def _add(self, who: int, todo_id: str, new: Mapping[str, Any], at: Moment) -> Todo:
        todo = {
            "id": todo_id,
            "description": None,
            "priority": "medium",
            **new,
            "is_completed": False,
            "completed_at": None,
            "created_at": at,
            "updated_at": at,
            "deleted_at": None,
            "version": 1,
        }
        return self._record(who, "created", todo, at)

    def _act(  # noqa: PLR0913  # what there is to say about a change
        self, who: int, verb: str, todo_id: str, versions: Versions, *, changes: Mapping[str, Any], at: Moment
    ) -> Todo:
        todo = self._mine(who, todo_id)
        if versions is not None and todo["version"] not in versions:
            raise Refusal(412, "todo_changed")
        if todo["deleted_at"] is not None and verb != "restore":
            raise _not_found()
        wanted = {
            "update": changes,
            "complete": {"is_completed": True},
            "reopen": {"is_completed": False},
            "delete": {"deleted_at": at},
            "restore": {"deleted_at": None},
        }[verb]
        new = {name: value for name, value in wanted.items() if todo[name] != value}
        if not new:
            return todo
        if "is_completed" in new:
            new["completed_at"] = at if new["is_completed"] else None
            kind = "completed" if new["is_completed"] else "reopened"
        else:
            kind = {"update": "updated", "delete": "deleted", "restore": "restored"}[verb]
        return self._record(who, kind, {**todo, **new, "version": todo["version"] + 1, "updated_at": at}, at)

    def _record(self, who: int, kind: str, todo: Todo, at: Moment, undoes: int | None = None) -> Todo:
        person = self._people[who]
        old = person.todos.get(todo["id"])
        before = old and {name: old[name] for name in _PUT_BACK if old[name] != todo[name]}
        person.todos[todo["id"]] = todo
        person.log.append(_Entry(kind, todo, at, self.source, before, undoes))
        return todo

    def _mine(self, who: int, todo_id: str) -> Todo:
        todo = self._people[who].todos.get(todo_id)
        if todo is not None:
            return todo
        if any(todo_id in person.todos for person in self._people):
            raise Refusal(403, "todo_not_owned")
        raise _not_found()

    def _now(self) -> Moment:
        self._ticks += 1
        return Moment(self._ticks)


def _is_settled(log: list[_Entry], past: list[int], chosen: Collection[int], place: int) -> bool:
    """Whether a change was undone, or has only undone another: then there is nothing of it to be seen."""
    undoes = log[place].undoes
    is_spent = undoes in past and not (place in chosen and undoes not in chosen)
    return is_spent or _is_undone(log, past, chosen, place)


def _is_undone(log: list[_Entry], past: list[int], chosen: Collection[int], place: int) -> bool:
    return any(
        log[later].undoes == place
        and not (later in chosen and place not in chosen)
        and not _is_undone(log, past, chosen, later)
        for later in past
    )


def _etag(todo: Todo) -> dict[str, str | None]:
    return {"etag": f'"{todo["version"]}"'}


def _result(status: int, operation: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"status": status, "temp_id": operation.get("temp_id"), "todo": None, "problem": None, **more}


def _matches(question: Question, todo: Todo) -> bool:
    is_trashed = todo["deleted_at"] is not None
    texts = [todo["title"], todo["description"] or ""]
    return (
        {
            "all": not is_trashed,
            "active": not is_trashed and not todo["is_completed"],
            "completed": not is_trashed and todo["is_completed"],
            "deleted": is_trashed,
        }[question.status]
        and (not question.priorities or todo["priority"] in question.priorities)
        and finds(question.q, "\n".join(texts))
    )


def _place(question: Question, todo: Todo) -> tuple[Any, str]:
    name = question.sort.removeprefix("-")
    value = todo[name]
    if name == "priority":
        value = PRIORITIES.index(value)
    if name == "title":
        value = value.lower()
    return value, todo["id"]


def _is_after(question: Question, place: tuple[Any, str], position: tuple[Any, str]) -> bool:
    return place < position if question.sort.startswith("-") else place > position
