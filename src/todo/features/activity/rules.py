"""What may be undone: nothing that others have changed since."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from todo.features.activity.schemas import ChangeMade, TodoUndone, UndoOutcome
from todo.features.todos.models import ChangeKind
from todo.features.todos.schemas import TodoFields, TodoRead
from todo.problems import Conflict, FieldError, Forbidden, NotFound, ValidationFailed

UNDO_MAX = 1_000
_CONFLICTS_SAID = 10
_EXISTENCE = "deleted_at"


class ActionNotFound(NotFound):
    """There is no such action of yours; what is older than 30 days is forgotten."""

    title = "Action not found"
    error_code = "action_not_found"


class ActionNotYours(Forbidden):
    """Another client did this: an agent undoes only what it did itself."""

    title = "Action not yours"
    error_code = "action_not_yours"


class UndoTooLarge(ValidationFailed):
    """These are more changes than one undo takes."""

    title = "Undo too large"
    error_code = "undo_too_large"

    def __init__(self, pointer: str) -> None:
        detail = f"are more than {UNDO_MAX} changes, the most that one undo takes"
        super().__init__(
            errors=[{"location": "body", "pointer": pointer, "code": "too_large", "detail": detail}]
        )


class UndoConflict(Conflict):
    """Not all of it can be undone, so nothing was: others have changed some of the todos since."""

    title = "Undo conflict"
    error_code = "undo_conflict"


@dataclass(frozen=True)
class Recorded:
    """A change as it was recorded."""

    made: ChangeMade
    todo_id: UUID
    before: TodoFields | None
    undoes: int | None

    @property
    def seq(self) -> int:
        """Its place in the person's sequence."""
        return self.made.seq

    def meets(self, other: "Recorded") -> bool:
        """Whether both changed the same field, or one of them whether the todo is there at all."""
        mine, theirs = self._fields(), other._fields()
        return _EXISTENCE in mine | theirs or not mine.isdisjoint(theirs)

    def _fields(self) -> frozenset[str]:
        # Nothing was before a todo that was made; and what was not recorded may have been anything.
        return frozenset({_EXISTENCE} if self.before is None else self.before.model_fields_set)


@dataclass(frozen=True)
class Verdict:
    """What is to become of one todo: the changes to undo, newest first, and those in the way."""

    todo_id: UUID
    outcome: UndoOutcome
    undone: Sequence[Recorded] = ()
    conflicts: Sequence[Recorded] = ()

    def told(self, todo: object | None) -> TodoUndone:
        """Say it of the todo as it is by now."""
        return TodoUndone(
            id=self.todo_id,
            outcome=self.outcome,
            todo=None if todo is None else TodoRead.model_validate(todo),
            conflicts=[change.made for change in self.conflicts[:_CONFLICTS_SAID]],
        )

    def error(self, pointer: str) -> FieldError:
        """Say why it cannot be undone."""
        in_the_way = [
            f"{one.made.kind} by {one.made.client} in action {one.made.action}" for one in self.conflicts
        ]
        detail = f"{self.todo_id}: {'; '.join(in_the_way[:_CONFLICTS_SAID]) or 'purged from the trash'}"
        return {"location": "body", "pointer": pointer, "code": self.outcome, "detail": detail}


def judged(chosen: Sequence[Recorded], history: Iterable[Recorded]) -> list[Verdict]:
    """Say of each todo what becomes of it; `history` is all that was done to these from the first on."""
    seqs = {change.seq for change in chosen}
    since: dict[UUID, list[Recorded]] = {}
    for change in history:
        if change.seq in seqs or change.todo_id in since:
            since.setdefault(change.todo_id, []).append(change)
    return [_judged(seqs, changes) for changes in since.values()]


def _judged(chosen: Collection[int], changes: Sequence[Recorded]) -> Verdict:
    last, standing = changes[-1], _standing(chosen, changes)
    undone = [change for change in standing if change.seq in chosen]
    if not undone:
        return Verdict(last.todo_id, UndoOutcome.UNCHANGED)
    if last.made.kind is ChangeKind.PURGED:
        return Verdict(last.todo_id, UndoOutcome.PURGED)
    in_the_way = [
        later
        for later in standing
        if later.seq not in chosen
        and any(later.seq > change.seq and later.meets(change) for change in undone)
    ]
    if in_the_way:
        return Verdict(last.todo_id, UndoOutcome.CONFLICT, conflicts=in_the_way)
    return Verdict(last.todo_id, UndoOutcome.UNDONE, undone)


def _standing(chosen: Collection[int], changes: Sequence[Recorded]) -> list[Recorded]:
    """Give the changes that are in effect, newest first: none that was undone, none that only undid one."""
    seqs = {change.seq for change in changes}
    undone: set[int | None] = set()
    standing: list[Recorded] = []
    for change in reversed(changes):
        if change.seq in undone:
            continue
        is_itself_to_be_undone = change.seq in chosen and change.undoes not in chosen
        if change.undoes in seqs and not is_itself_to_be_undone:
            undone.add(change.undoes)
        else:
            standing.append(change)
    return standing
