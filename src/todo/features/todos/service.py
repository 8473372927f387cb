"""The use cases of todos, and the problems they can raise."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils
import uuid_utils.compat as uuids

from todo.database.engine import Connection
from todo.database.idempotency import Keeping
from todo.database.stroke import Stroke
from todo.database.transaction import Database, InDoubt, Transaction
from todo.features.todos.models import Todo
from todo.features.todos.repository import upkeep
from todo.features.todos.repository.asking import Asking
from todo.features.todos.repository.indexing import TodoIndex
from todo.features.todos.repository.keys import Question
from todo.features.todos.repository.pages import Found, Position
from todo.features.todos.repository.todo_documents import TodoDocuments
from todo.features.todos.repository.todo_strokes import TodoStrokes
from todo.features.todos.repository.todos import TodoRepository
from todo.features.todos.rules import (
    COMPLETING,
    DELETING,
    REOPENING,
    RESTORING,
    Act,
    Batch,
    Change,
    Fate,
    Intake,
    Owner,
    Undoing,
    absence,
    undo_changes,
    updating,
)
from todo.features.todos.schemas import (
    CHANGES_LIMIT_DEFAULT,
    ChangesWanted,
    CreateOperation,
    Operation,
    OperationProblem,
    OperationResult,
    TodoBatch,
    TodoBatchDocument,
    TodoBatchResult,
    TodoChangeRead,
    TodoChanges,
    TodoCreate,
    TodoDocument,
    TodoFilter,
    TodoPageDocument,
    TodoRead,
    TodoUpdate,
)
from todo.problems import (
    FieldError,
    Gone,
    Problem,
    ValidationFailed,
    json_pointer,
)
from todo.settings import Limits
from todo.transport.paging import CursorSigner

_CHANGES = "changes"
CHANGES_KEPT_FOR = timedelta(days=30)
# No token may outlive its changes, whatever the clocks of database and service think of each other.
_CLOCKS_APART = timedelta(days=1)
# As many as fit easily into the time that a transaction may take; the person's other writers wait meanwhile.
PURGE_MAX = 1_000
TRANSFERRED_AT_ONCE = 500


class ChangesForgotten(Gone):
    """The token is too old. Ask for a new one without `since`, then list all todos, then go on from it."""

    title = "Changes forgotten"
    error_code = "changes_forgotten"


@dataclass(frozen=True)
class Touched:
    """A todo before and after; before is nothing if it was made."""

    before: TodoRead | None
    after: TodoRead

    @property
    def is_changed(self) -> bool:
        """Whether it was made or is at another version."""
        return self.before is None or self.before.version != self.after.version


@dataclass(frozen=True)
class Outcome:
    """What one call did: the action that it was, and the todos it touched."""

    action: int
    touched: list[Touched]

    @property
    def changed(self) -> list[Touched]:
        """Those that are not as they were."""
        return [one for one in self.touched if one.is_changed]


@dataclass(frozen=True)
class FollowedChanges:
    """Changes in order, each after the token that goes on after it; and the token to go on with."""

    changes: list[tuple[str, TodoChangeRead]]
    next: str
    has_more: bool


class TodoReader:
    """What a person can see of their todos, as it is sent.

    `index_later` is told of the person when much of what they search is not in their index yet.
    """

    def __init__(self, todos: TodoDocuments, secret: bytes, index_later: Callable[[UUID], None]) -> None:
        self._todos = todos
        self._secret = secret
        self._index_later = index_later

    async def list_todos(self, wanted: TodoFilter) -> TodoPageDocument:
        """Give one page of the todos that match, and how many match in all."""
        cursors = CursorSigner(self._secret, self._todos.owner_id)
        after = _read_cursor(wanted, cursors)
        found = await self._found(wanted, after)
        next_cursor = None if found.end is None else cursors.write(found.end, wanted.question)
        return TodoPageDocument.of(found.documents, found.total, wanted, next_cursor)

    async def _found(self, wanted: TodoFilter, after: Position | None) -> Found:
        question = Question.of(wanted.q, wanted.status, wanted.priority) if wanted.q else None
        if question is None or not question.words:
            return await self._todos.find(wanted, after)
        found, is_behind = await self._todos.search(question, wanted, after)
        if is_behind:
            self._index_later(self._todos.owner_id)
        return found

    async def get_todo(self, todo_id: UUID) -> TodoDocument:
        """Give one todo; one in the trash is not found."""
        todo = await self._todos.show(todo_id)
        if todo is None:
            raise await self._todos.absence(todo_id)
        return todo


class TodoWriter:
    """What a person can do with one todo: the ordinary case is one statement, which says what it does.

    Where that did nothing, the rules find out in a transaction what the matter is, or what else to do.
    `versions` are those the caller has seen; a todo at any other is left alone and `TodoChanged` raised.
    """

    def __init__(self, stroke: Stroke, limits: Limits) -> None:
        self._stroke = stroke
        self._todos = TodoStrokes(stroke)
        self._owner = Owner(stroke.user_id, limits.quota)
        self._batch_limit = limits.batch_limit

    async def create_todo(self, new: TodoCreate) -> TodoDocument:
        """Add a todo."""
        return (await self.put_todo(uuids.uuid7(), new))[0]

    async def create_todo_once(
        self, new: TodoCreate, keeping: Callable[[UUID], Keeping]
    ) -> TodoDocument | None:
        """Add a todo and keep the answer; nothing if the key has to be looked at, or what became of it."""
        todo_id = uuids.uuid7()
        try:
            return await self._todos.add(todo_id, new, self._owner.quota, keeping(todo_id))
        except InDoubt:
            return None

    async def put_todo(self, todo_id: UUID, new: TodoCreate) -> tuple[TodoDocument, bool]:
        """Add a todo under an id the caller chose, once; give it, and whether it is new."""
        try:
            added = await self._todos.add(todo_id, new, self._owner.quota)
        except InDoubt:
            # Its id tells whether it was added; if it still is on its way, it will find the id taken.
            added = None
        if added is not None:
            return added, True
        async with self._stroke.transaction() as transaction:
            todos = TodoRepository(transaction)
            change = await todos.next_change()
            todo = await todos.get(todo_id)
            if todo is not None:
                return TodoDocument.of(TodoRead.model_validate(todo)), False
            return TodoDocument.of(await todos.add(self._owner.new_todo(todo_id, new, change))), True

    async def update_todo(
        self, todo_id: UUID, wanted: TodoUpdate, versions: Collection[int] | None = None
    ) -> TodoDocument:
        """Change the named fields; naming the values it has already changes nothing."""
        return await self._act(todo_id, versions, updating(wanted))

    async def complete_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> TodoDocument:
        """Mark it done; completing it again keeps the first time."""
        return await self._act(todo_id, versions, COMPLETING)

    async def reopen_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> TodoDocument:
        """Mark it not done; reopening an open one changes nothing."""
        return await self._act(todo_id, versions, REOPENING)

    async def delete_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> None:
        """Move it to the trash."""
        await self._act(todo_id, versions, DELETING)

    async def restore_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> TodoDocument:
        """Bring it back from the trash; restoring one that is not there changes nothing."""
        return await self._act(todo_id, versions, RESTORING)

    async def batch_todos(self, batch: TodoBatch) -> TodoBatchDocument | None:
        """Add todos, if that is all there is to do; nothing, and nothing is done, if it has to be judged."""
        additions = [one for one in batch.operations if isinstance(one, CreateOperation)]
        if not len(batch.operations) == len(additions) <= self._batch_limit:
            return None
        # Ids as text, which is all they are used for here: objects would take several times as long.
        new = [(str(uuid_utils.uuid7()), addition.todo) for addition in additions]
        added = await self._todos.add_many(new, self._owner.quota)
        return None if added is None else TodoBatchDocument.of(additions, added)

    async def _act(self, todo_id: UUID, versions: Collection[int] | None, act: Act) -> TodoDocument:
        if act.sets and (versions is None or len(versions) == 1):
            changed = await self._todos.change(todo_id, act.sets, *(versions or ()))
            if changed is not None:
                return changed
        async with self._stroke.transaction() as transaction:
            todos = TodoRepository(transaction)
            change = await todos.next_change()
            todo = await todos.get(todo_id)
            if todo is None:
                raise absence(todo_id, await todos.anybodys([todo_id]))
            step = act.do(todo, versions, change.at)
            return TodoDocument.of(
                TodoRead.model_validate(todo) if step is None else await todos.save(todo, change, step)
            )


class TodoService:
    """What a person can do with many of their todos at once, and how they follow what becomes of them."""

    def __init__(self, todos: TodoRepository, cursors: CursorSigner, limits: Limits) -> None:
        self._todos = todos
        self._cursors = cursors
        self._owner = Owner(todos.owner_id, limits.quota)
        self._batch_limit = limits.batch_limit

    async def create_todo(self, new: TodoCreate) -> TodoDocument:
        """Add a todo."""
        change = await self._todos.next_change()
        return TodoDocument.of(await self._todos.add(self._owner.new_todo(uuids.uuid7(), new, change)))

    async def purge_trash(self, before: datetime) -> int:
        """Remove for good what went into the trash before then; give how many went, at most `PURGE_MAX`."""
        change = await self._todos.next_change_if_known()
        return 0 if change is None else await self._todos.purge(change, before, PURGE_MAX)

    async def batch_todos(self, batch: TodoBatch) -> TodoBatchResult:
        """Do the operations one after the other, by the rules and with the refusals of single calls.

        Raises the first refusal if the batch is atomic, naming the operation; otherwise refusals are results.
        Raises `ValidationFailed` if there are too many of them.
        """
        changes, work = await self._begin(batch.operations)
        results: list[OperationResult] = []
        for number, (operation, change) in enumerate(zip(batch.operations, changes, strict=True)):
            try:
                result = work.do(operation, change)
            except Problem as problem:
                if batch.atomic:
                    problem.errors = [_operation_error(number, problem)]
                    raise
                said = OperationProblem.model_validate(problem)
                result = OperationResult(status=problem.status, temp_id=operation.temp_id, problem=said)
            results.append(result)
        await self._todos.record(work.edits)
        return TodoBatchResult(results=results)

    async def change_todos(self, operations: Sequence[Operation]) -> Outcome:
        """Do the operations, all or nothing, and give each todo they name or make as it was and as it is.

        Raises the first refusal, which then lists every operation that was refused; or `ValidationFailed`
        if there are too many of them.
        """
        changes, work = await self._begin(operations)
        before = work.todos()
        refusals: list[Problem] = []
        errors: list[FieldError] = []
        for number, (operation, change) in enumerate(zip(operations, changes, strict=True)):
            try:
                work.do(operation, change)
            except Problem as problem:
                refusals.append(problem)
                errors.append(_operation_error(number, problem))
        if refusals:
            refusals[0].errors = errors
            raise refusals[0]
        await self._todos.record(work.edits)
        touched = [Touched(before.get(todo_id), todo) for todo_id, todo in work.todos().items()]
        return Outcome(changes[0].seq, touched)

    async def _begin(self, operations: Sequence[Operation]) -> tuple[list[Change], Batch]:
        if len(operations) > self._batch_limit:
            raise ValidationFailed(errors=[_too_long(self._batch_limit)])
        changes = await self._todos.next_changes(len(operations))
        # In their order, which is that of what comes of them.
        named = dict.fromkeys(
            operation.id
            for operation in operations
            if not isinstance(operation, CreateOperation) and operation.id is not None
        )
        found = await self._todos.get_many(named)
        todos = {todo_id: found[todo_id] for todo_id in named if todo_id in found}
        missing = named.keys() - todos.keys()
        return changes, Batch(self._owner, todos, await self._todos.anybodys(missing) if missing else set())

    async def list_changes(self, wanted: ChangesWanted, now: datetime) -> TodoChanges:
        """Give the changes after a token, in order, and the token to go on with.

        Raises `ChangesForgotten` when the token is too old to be sure that none is missing.
        """
        page = await self._changes_since(wanted.since, wanted.limit, now)
        return TodoChanges(
            changes=[change for _, change in page.changes],
            next=self._write_token(*page.end),
            has_more=page.has_more,
        )

    async def follow_changes(self, since: str | None, now: datetime) -> FollowedChanges:
        """Give the changes after a token, in order, each with the token that goes on after it.

        Raises `ChangesForgotten` as `list_changes` does.
        """
        page = await self._changes_since(since, CHANGES_LIMIT_DEFAULT, now)
        return FollowedChanges(
            changes=[(self._write_token(seq, change.at), change) for seq, change in page.changes],
            next=self._write_token(*page.end),
            has_more=page.has_more,
        )

    async def _changes_since(self, token: str | None, limit: int, now: datetime) -> "_ChangesPage":
        since = await self._todos.last_change() if token is None else self._read_token(token, now)
        found = await self._todos.changes(since, limit + 1)
        shown = found[:limit]
        if len(found) > limit:
            # Not now: what is still to be seen may be old already, and is not kept longer for being left.
            return _ChangesPage(shown, end=(shown[-1][0], shown[-1][1].at), has_more=True)
        return _ChangesPage(shown, end=(shown[-1][0] if shown else since, now), has_more=False)

    def _write_token(self, seq: int, at: datetime) -> str:
        return self._cursors.write(json.dumps([seq, at.isoformat()]), _CHANGES)

    def _read_token(self, token: str, now: datetime) -> int:
        seq, written_at = json.loads(self._cursors.read(token, _CHANGES, name="since"))
        if now - datetime.fromisoformat(written_at) > CHANGES_KEPT_FOR:
            raise ChangesForgotten
        return int(seq)


class TodoTransfer:
    """All of a person's todos, whole, trash included: taken out, and brought in once."""

    def __init__(self, todos: TodoRepository, limits: Limits) -> None:
        self._todos = todos
        self._intake = Intake(Owner(todos.owner_id, limits.quota))

    def all_todos(self) -> AsyncIterator[list[TodoRead]]:
        """Give every todo, some at a time, ordered by id."""
        return self._todos.all(TRANSFERRED_AT_ONCE)

    async def bring_in(self, todos: Sequence[TodoRead]) -> list[Fate]:
        """Add those that are new here, as they are, and say what became of each."""
        # Also the lock: until the commit nobody else adds one of them.
        changes = await self._todos.next_changes(len(todos))
        places = await self._todos.places([todo.id for todo in todos])
        fates, edits = self._intake.take(todos, changes, places)
        await self._todos.add_many(edits)
        return fates


class TodoReversal:
    """A person's todos put back to how they were before some changes, in the order given."""

    def __init__(self, todos: TodoRepository) -> None:
        self._todos = todos

    async def begin(self) -> Change:
        """Begin the first change: from here to the commit nobody else changes this owner's todos."""
        return await self._todos.next_change()

    async def todos(self, todo_ids: Collection[UUID]) -> dict[UUID, Todo]:
        """Give those there are of some todos, from the trash too."""
        return await self._todos.get_many(todo_ids)

    async def undo_changes(self, todos: dict[UUID, Todo], undoing: Sequence[Undoing], first: Change) -> None:
        """Undo changes of these todos; each is recorded as one of its own, all of one moment."""
        if not undoing:
            return
        more = await self._todos.next_changes(len(undoing) - 1) if len(undoing) > 1 else []
        changes = [first, *(replace(change, at=first.at) for change in more)]
        await self._todos.record(undo_changes(todos, undoing, changes))

    @staticmethod
    def try_undoing(todos: dict[UUID, Todo], undoing: Sequence[Undoing], now: datetime) -> None:
        """Undo them in these todos alone, and store nothing."""
        undo_changes(todos, undoing, [Change(0, now, 0)] * len(undoing))


def _too_long(limit: int) -> FieldError:
    return {
        "location": "body",
        "pointer": "/operations",
        "code": "too_long",
        "detail": f"this server takes at most {limit} at once",
    }


@dataclass(frozen=True)
class _ChangesPage:
    """Changes with their places, and where and when the page ends."""

    changes: list[tuple[int, TodoChangeRead]]
    end: tuple[int, datetime]
    has_more: bool


def _operation_error(number: int, problem: Problem) -> FieldError:
    return {
        "location": "body",
        "pointer": json_pointer(["operations", number]),
        "code": problem.error_code,
        "detail": problem.detail,
    }


def _read_cursor(wanted: TodoFilter, cursors: CursorSigner) -> Position | None:
    if wanted.cursor is None:
        return None
    value, todo_id = json.loads(cursors.read(wanted.cursor, wanted.question))
    is_time = wanted.sort.endswith("_at")
    return Position(datetime.fromisoformat(value) if is_time else value, UUID(todo_id))


def _not_searched(_user_id: UUID) -> None:
    """Where nobody searches, nothing has to be put into an index."""


def todo_reader(
    asking: Asking, secret: bytes, index_later: Callable[[UUID], None] = _not_searched
) -> TodoReader:
    """Build what the person who asks can see."""
    return TodoReader(TodoDocuments(asking), secret, index_later)


def todo_writer(stroke: Stroke, limits: Limits) -> TodoWriter:
    """Build what the person who writes can do with one todo."""
    return TodoWriter(stroke, limits)


def todo_service(transaction: Transaction, secret: bytes, limits: Limits) -> TodoService:
    """Build the service of the person the transaction belongs to."""
    return TodoService(TodoRepository(transaction), CursorSigner(secret, transaction.user_id), limits)


def todo_transfer(transaction: Transaction, limits: Limits) -> TodoTransfer:
    """Build the way in and out for the todos of the person the transaction belongs to."""
    return TodoTransfer(TodoRepository(transaction), limits)


def todo_reversal(transaction: Transaction) -> TodoReversal:
    """Build the way back for the todos of the person the transaction belongs to."""
    return TodoReversal(TodoRepository(transaction))


async def people_with_old_trash(owner: Connection, people: Sequence[UUID], before: datetime) -> list[UUID]:
    """Give those of these people whose trash is to be purged; asked as the owner role, which sees them."""
    return await upkeep.owners_of_trash(owner, people, before)


async def forget_changes(owner: Connection, people: Sequence[UUID], now: datetime) -> int:
    """Forget these people's changes that no token reaches any more, and give how many there were."""
    return await upkeep.forget_changes(owner, people, now - CHANGES_KEPT_FOR - _CLOCKS_APART)


async def index_todos(database: Database, user_id: UUID) -> None:
    """Put what a person has changed since into the index that their searches use, some todos at a time."""
    while True:
        async with database.transaction(user_id, read_only=True) as transaction:
            batch = await TodoIndex(transaction).next_batch()
        if batch is None:
            return
        # Beside the loop, which answers others meanwhile.
        entries = await asyncio.to_thread(batch.entries)
        async with database.transaction(user_id) as transaction:
            if not await TodoIndex(transaction).put_in(entries):
                return
