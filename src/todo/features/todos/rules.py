"""What may be done with todos and what becomes of them; by the same rules for one and for many."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuids

from todo.features.todos.models import ChangeKind, Todo
from todo.features.todos.schemas import (
    ActOperation,
    CreateOperation,
    Operation,
    OperationResult,
    TodoCreate,
    TodoFields,
    TodoRead,
    TodoUpdate,
    UpdateOperation,
)
from todo.problems import Forbidden, NotFound, PreconditionFailed


class TodoNotFound(NotFound):
    """There is no todo with this id, or it is in the trash."""

    title = "Todo not found"
    error_code = "todo_not_found"


class TodoNotOwned(Forbidden):
    """The todo belongs to another person."""

    title = "Todo not owned"
    error_code = "todo_not_owned"


class TodoChanged(PreconditionFailed):
    """The todo changed since you read it: read it again, then decide."""

    title = "Todo changed"
    error_code = "todo_changed"


class QuotaExceeded(Forbidden):
    """You have as many todos as a person may have; those in the trash count."""

    title = "Quota exceeded"
    error_code = "todo_quota_exceeded"

    def __init__(self, quota: int) -> None:
        super().__init__(f"You have as many todos as a person may have, {quota}; those in the trash count.")


@dataclass(frozen=True)
class Change:
    """The next change of a person: its place in their sequence, its time, and how many todos they have."""

    seq: int
    at: datetime
    todo_count: int


@dataclass(frozen=True)
class Step:
    """What is done to a todo: the kind, the fields that change, as they were, and which change it undoes."""

    kind: ChangeKind
    before: TodoFields | None = None
    undoes: int | None = None


CREATION = Step(ChangeKind.CREATED)


@dataclass(frozen=True)
class Edit:
    """What one change made of a todo."""

    change: Change
    step: Step
    todo: TodoRead


@dataclass(frozen=True)
class Owner:
    """Whose todos they are, and how many there may be; 0 is no limit."""

    id: UUID
    quota: int

    def new_todo(self, todo_id: UUID, new: TodoCreate, change: Change) -> Todo:
        """Make a todo; raises `QuotaExceeded` when there may be no more."""
        if not self.has_room(change.todo_count):
            raise QuotaExceeded(self.quota)
        return Todo(
            user_id=self.id,
            id=todo_id,
            **new.model_dump(),
            created_at=change.at,
            updated_at=change.at,
            change_seq=change.seq,
        )

    def has_room(self, todo_count: int) -> bool:
        """Whether there may be more than these."""
        return not self.quota or todo_count < self.quota


@dataclass(frozen=True)
class Act:
    """What is to be done with a todo that is there.

    `sets` says the same to a single statement: fields to set, and kinds of change, which set others.
    """

    apply: Callable[[Todo, datetime], ChangeKind | None]
    reaches_trash: bool = False
    sets: Mapping[str, Any] = field(default_factory=dict)

    def do(self, todo: Todo, versions: Collection[int] | None, at: datetime) -> Step | None:
        """Do it and say what that was, if anything.

        Raises `TodoChanged` for a version the caller has not seen, and `TodoNotFound` for one in the trash.
        """
        if versions is not None and todo.version not in versions:
            raise TodoChanged
        if todo.deleted_at is not None and not self.reaches_trash:
            raise TodoNotFound
        before = TodoFields.model_validate(todo)
        kind = self.apply(todo, at)
        return None if kind is None else Step(kind, before.unlike(todo))


def updating(wanted: TodoUpdate) -> Act:
    """Give the act of changing the named fields."""
    changes = wanted.changes()
    sets = dict(changes)
    if "is_completed" in sets:
        sets[ChangeKind.COMPLETED if sets.pop("is_completed") else ChangeKind.REOPENED] = None
    return Act(lambda todo, at: todo.apply(changes, at), sets=sets)


COMPLETING = updating(TodoUpdate(is_completed=True))
REOPENING = updating(TodoUpdate(is_completed=False))
DELETING = Act(Todo.trash, sets={ChangeKind.DELETED: None})
RESTORING = Act(lambda todo, _at: todo.restore(), reaches_trash=True, sets={ChangeKind.RESTORED: None})
_ACTS = {"complete": COMPLETING, "reopen": REOPENING, "delete": DELETING, "restore": RESTORING}


@dataclass(frozen=True)
class Undoing:
    """A change to undo: of which todo, its place in the sequence, and what was before, if anything."""

    todo_id: UUID
    seq: int
    before: TodoFields | None

    def do(self, todo: Todo, at: datetime) -> Step | None:
        """Put the todo back to how it was, wherever it is, and say what that was, if anything."""
        fields = {"deleted_at": at} if self.before is None else self.before.meant()
        act = Act(lambda todo, _at: todo.put_back(fields), reaches_trash=True)
        step = act.do(todo, None, at)
        return None if step is None else replace(step, undoes=self.seq)


def undo_changes(
    todos: dict[UUID, Todo], undoing: Sequence[Undoing], changes: Sequence[Change]
) -> list[Edit]:
    """Undo one after the other, each as a change of its own."""
    edits: list[Edit] = []
    for one, change in zip(undoing, changes, strict=True):
        todo = todos[one.todo_id]
        step = one.do(todo, change.at)
        if step is not None:
            todo.advance(change.seq, change.at)
            edits.append(Edit(change, step, TodoRead.model_validate(todo)))
    return edits


class Batch:
    """Operations at work: the todos they name, in memory, and what has become of them so far.

    `anybodys` are the ids among those missing under which somebody else has a todo.
    """

    def __init__(self, owner: Owner, todos: dict[UUID, Todo], anybodys: Collection[UUID]) -> None:
        self._owner = owner
        self._todos = todos
        self._anybodys = anybodys
        self._made: dict[str, UUID] = {}
        self._added = 0
        self.edits: list[Edit] = []

    def todos(self) -> dict[UUID, TodoRead]:
        """Give the todos as they are by now."""
        return {todo_id: TodoRead.model_validate(todo) for todo_id, todo in self._todos.items()}

    def do(self, operation: Operation, change: Change) -> OperationResult:
        """Do one operation; raises what a single call would."""
        if isinstance(operation, CreateOperation):
            return self._create(operation, change)
        todo = self._named(operation)
        act = updating(operation.changes) if isinstance(operation, UpdateOperation) else _ACTS[operation.op]
        step = act.do(todo, None if operation.version is None else {operation.version}, change.at)
        if step is not None:
            todo.advance(change.seq, change.at)
            self._record(change, step, todo)
        if step is not None and step.kind is ChangeKind.DELETED:
            return OperationResult(status=204, temp_id=operation.temp_id)
        return OperationResult(status=200, temp_id=operation.temp_id, todo=TodoRead.model_validate(todo))

    def _create(self, operation: CreateOperation, change: Change) -> OperationResult:
        change = replace(change, todo_count=change.todo_count + self._added)
        todo = self._owner.new_todo(uuids.uuid7(), operation.todo, change)
        self._todos[todo.id] = todo
        self._added += 1
        if operation.temp_id is not None:
            self._made[operation.temp_id] = todo.id
        shown = self._record(change, CREATION, todo)
        return OperationResult(status=201, temp_id=operation.temp_id, todo=shown)

    def _named(self, operation: UpdateOperation | ActOperation) -> Todo:
        todo_id = operation.id or self._made.get(operation.temp_id or "")
        if todo_id is None:
            raise TodoNotFound("The operation that was to make this todo was refused.")
        if todo_id not in self._todos:
            raise absence(todo_id, self._anybodys)
        return self._todos[todo_id]

    def _record(self, change: Change, step: Step, todo: Todo) -> TodoRead:
        shown = TodoRead.model_validate(todo)
        self.edits.append(Edit(change, step, shown))
        return shown


class Fate(StrEnum):
    """What becomes of a todo that is brought in."""

    ADDED = "added"
    ALREADY_THERE = "already there"
    REPEATED = "repeated"
    BEYOND_QUOTA = "beyond quota"


class Intake:
    """Whole todos brought in, some at a time: those whose ids are new here are added as they are."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._began_at: int | None = None

    def take(
        self, todos: Sequence[TodoRead], changes: Sequence[Change], places: dict[UUID, int]
    ) -> tuple[list[Fate], list[Edit]]:
        """Say what becomes of each, and what is to be added; `places` are those of the ids that are there."""
        if self._began_at is None:
            self._began_at = changes[0].seq
        places = dict(places)
        fates: list[Fate] = []
        edits: list[Edit] = []
        for todo, change in zip(todos, changes, strict=True):
            place = places.get(todo.id)
            if place is not None:
                fates.append(Fate.REPEATED if place >= self._began_at else Fate.ALREADY_THERE)
            elif not self._owner.has_room(change.todo_count + len(edits)):
                fates.append(Fate.BEYOND_QUOTA)
            else:
                fates.append(Fate.ADDED)
                edits.append(Edit(change, CREATION, todo))
                places[todo.id] = change.seq
        return fates, edits


def absence(todo_id: UUID, anybodys: Collection[UUID]) -> TodoNotFound | TodoNotOwned:
    """Say why a person does not have a todo: nobody has, or somebody else."""
    return TodoNotOwned() if todo_id in anybodys else TodoNotFound()
