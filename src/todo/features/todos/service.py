"""The use cases of todos, and the problems they can raise."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat as uuids

from todo.database.transaction import Transaction
from todo.features.todos.models import ChangeKind, Todo
from todo.features.todos.repository import Change, Edit, Position, TodoRepository
from todo.features.todos.schemas import (
    CHANGES_LIMIT_DEFAULT,
    ActOperation,
    ChangesWanted,
    CreateOperation,
    Operation,
    OperationProblem,
    OperationResult,
    PageInfo,
    TodoBatch,
    TodoBatchResult,
    TodoChangeRead,
    TodoChanges,
    TodoCreate,
    TodoFilter,
    TodoPage,
    TodoRead,
    TodoUpdate,
    UpdateOperation,
)
from todo.problems import (
    FieldError,
    Forbidden,
    Gone,
    NotFound,
    PreconditionFailed,
    Problem,
    json_pointer,
)
from todo.transport.paging import CursorSigner

_CHANGES = "changes"
CHANGES_KEPT_FOR = timedelta(days=30)


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


class ChangesForgotten(Gone):
    """The token is too old. Ask for a new one without `since`, then list all todos, then go on from it."""

    title = "Changes forgotten"
    error_code = "changes_forgotten"


@dataclass(frozen=True)
class FollowedChanges:
    """Changes in order, each after the token that goes on after it; and the token to go on with."""

    changes: list[tuple[str, TodoChangeRead]]
    next: str
    has_more: bool


class TodoService:
    """What a person can do with their todos.

    `versions` are those the caller has seen; a todo at any other is left alone and `TodoChanged` raised.
    """

    def __init__(self, todos: TodoRepository, cursors: CursorSigner) -> None:
        self._todos = todos
        self._cursors = cursors

    async def create_todo(self, new: TodoCreate) -> TodoRead:
        """Add a todo."""
        return await self._add(uuids.uuid7(), new, await self._todos.next_change())

    async def put_todo(self, todo_id: UUID, new: TodoCreate) -> tuple[TodoRead, bool]:
        """Add a todo under an id the caller chose, once; give it, and whether it is new."""
        change = await self._todos.next_change()
        todo = await self._todos.get(todo_id)
        if todo is not None:
            return TodoRead.model_validate(todo), False
        return await self._add(todo_id, new, change), True

    async def _add(self, todo_id: UUID, new: TodoCreate, change: Change) -> TodoRead:
        return await self._todos.add(self._new(todo_id, new, change))

    def _new(self, todo_id: UUID, new: TodoCreate, change: Change) -> Todo:
        return Todo(
            user_id=self._todos.owner_id,
            id=todo_id,
            **new.model_dump(),
            created_at=change.at,
            updated_at=change.at,
            change_seq=change.seq,
        )

    async def list_todos(self, wanted: TodoFilter) -> TodoPage:
        """Give one page of the todos that match, and how many match in all."""
        after = self._read_cursor(wanted)
        found = await self._todos.find(wanted, after)
        return TodoPage(
            items=found.todos,
            total=found.total,
            page=PageInfo(
                limit=wanted.limit,
                offset=None if after else wanted.offset or 0,
                next_cursor=self._write_cursor(wanted, found.end),
                has_more=found.end is not None,
            ),
        )

    async def get_todo(self, todo_id: UUID) -> TodoRead:
        """Give one todo; one in the trash is not found."""
        todo = await self._todos.show(todo_id)
        if todo is None:
            is_mine_in_trash = await self._todos.get(todo_id) is not None
            raise _absence(todo_id, set() if is_mine_in_trash else await self._todos.anybodys([todo_id]))
        return todo

    async def update_todo(
        self, todo_id: UUID, wanted: TodoUpdate, versions: Collection[int] | None = None
    ) -> TodoRead:
        """Change the named fields; naming the values it has already changes nothing."""
        return await self._act(todo_id, versions, _updating(wanted))

    async def complete_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> TodoRead:
        """Mark it done; completing it again keeps the first time."""
        return await self._act(todo_id, versions, _COMPLETING)

    async def reopen_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> TodoRead:
        """Mark it not done; reopening an open one changes nothing."""
        return await self._act(todo_id, versions, _REOPENING)

    async def delete_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> None:
        """Move it to the trash."""
        await self._act(todo_id, versions, _DELETING)

    async def restore_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> TodoRead:
        """Bring it back from the trash; restoring one that is not there changes nothing."""
        return await self._act(todo_id, versions, _RESTORING)

    async def _act(self, todo_id: UUID, versions: Collection[int] | None, act: "_Act") -> TodoRead:
        change = await self._todos.next_change()
        todo = await self._todos.get(todo_id)
        if todo is None:
            raise _absence(todo_id, await self._todos.anybodys([todo_id]))
        kind = act.do(todo, versions, change.at)
        if kind is None:
            return TodoRead.model_validate(todo)
        return await self._todos.save(todo, change, kind)

    async def batch_todos(self, batch: TodoBatch) -> TodoBatchResult:
        """Do the operations one after the other, by the rules and with the refusals of single calls.

        Raises the first refusal if the batch is atomic, naming the operation; otherwise refusals are results.
        """
        changes = await self._todos.next_changes(len(batch.operations))
        named = {
            operation.id
            for operation in batch.operations
            if not isinstance(operation, CreateOperation) and operation.id is not None
        }
        todos = await self._todos.get_many(named)
        missing = named - todos.keys()
        work = _Work(self._new, todos, await self._todos.anybodys(missing) if missing else set())
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

    def _read_cursor(self, wanted: TodoFilter) -> Position | None:
        if wanted.cursor is None:
            return None
        value, todo_id = json.loads(self._cursors.read(wanted.cursor, _question(wanted)))
        is_time = wanted.sort.endswith("_at")
        return Position(datetime.fromisoformat(value) if is_time else value, UUID(todo_id))

    def _write_cursor(self, wanted: TodoFilter, end: Position | None) -> str | None:
        if end is None:
            return None
        value = end.value.isoformat() if isinstance(end.value, datetime) else end.value
        return self._cursors.write(json.dumps([value, str(end.id)]), _question(wanted))


@dataclass(frozen=True)
class _ChangesPage:
    """Changes with their places, and where and when the page ends."""

    changes: list[tuple[int, TodoChangeRead]]
    end: tuple[int, datetime]
    has_more: bool


@dataclass(frozen=True)
class _Act:
    """What is to be done with a todo, by the same rules for one and for many."""

    apply: Callable[[Todo, datetime], ChangeKind | None]
    reaches_trash: bool = False

    def do(self, todo: Todo, versions: Collection[int] | None, at: datetime) -> ChangeKind | None:
        if versions is not None and todo.version not in versions:
            raise TodoChanged
        if todo.deleted_at is not None and not self.reaches_trash:
            raise TodoNotFound
        return self.apply(todo, at)


def _updating(wanted: TodoUpdate) -> _Act:
    return _Act(lambda todo, at: todo.apply(wanted.changes(), at))


_COMPLETING = _updating(TodoUpdate(is_completed=True))
_REOPENING = _updating(TodoUpdate(is_completed=False))
_DELETING = _Act(Todo.trash)
_RESTORING = _Act(lambda todo, _at: todo.restore(), reaches_trash=True)
_ACTS = {"complete": _COMPLETING, "reopen": _REOPENING, "delete": _DELETING, "restore": _RESTORING}


class _Work:
    """A batch at work: the todos it names, in memory, and what its operations have made of them so far."""

    def __init__(
        self,
        new: Callable[[UUID, TodoCreate, Change], Todo],
        todos: dict[UUID, Todo],
        anybodys: Collection[UUID],
    ) -> None:
        self._new = new
        self._todos = todos
        self._anybodys = anybodys
        self._made: dict[str, UUID] = {}
        self.edits: list[Edit] = []

    def do(self, operation: Operation, change: Change) -> OperationResult:
        """Do one operation; raises what a single call would."""
        if isinstance(operation, CreateOperation):
            todo = self._new(uuids.uuid7(), operation.todo, change)
            self._todos[todo.id] = todo
            if operation.temp_id is not None:
                self._made[operation.temp_id] = todo.id
            shown = self._record(change, ChangeKind.CREATED, todo)
            return OperationResult(status=201, temp_id=operation.temp_id, todo=shown)
        todo = self._named(operation)
        act = _updating(operation.changes) if isinstance(operation, UpdateOperation) else _ACTS[operation.op]
        kind = act.do(todo, None if operation.version is None else {operation.version}, change.at)
        if kind is not None:
            todo.advance(change.seq, change.at)
            self._record(change, kind, todo)
        if kind is ChangeKind.DELETED:
            return OperationResult(status=204, temp_id=operation.temp_id)
        return OperationResult(status=200, temp_id=operation.temp_id, todo=TodoRead.model_validate(todo))

    def _named(self, operation: UpdateOperation | ActOperation) -> Todo:
        todo_id = operation.id or self._made.get(operation.temp_id or "")
        if todo_id is None:
            raise TodoNotFound("The operation that was to make this todo was refused.")
        if todo_id not in self._todos:
            raise _absence(todo_id, self._anybodys)
        return self._todos[todo_id]

    def _record(self, change: Change, kind: ChangeKind, todo: Todo) -> TodoRead:
        shown = TodoRead.model_validate(todo)
        self.edits.append(Edit(change, kind, shown))
        return shown


def _absence(todo_id: UUID, anybodys: Collection[UUID]) -> TodoNotFound | TodoNotOwned:
    return TodoNotOwned() if todo_id in anybodys else TodoNotFound()


def _operation_error(number: int, problem: Problem) -> FieldError:
    return {
        "location": "body",
        "pointer": json_pointer(["operations", number]),
        "code": problem.error_code,
        "detail": problem.detail,
    }


def _question(wanted: TodoFilter) -> str:
    """Name what a cursor belongs to: going on is only possible with the same filters and sort."""
    return wanted.model_dump_json(include={"status", "priority", "q", "sort"})


def todo_service(transaction: Transaction, secret: bytes) -> TodoService:
    """Build the service of the person the transaction belongs to."""
    return TodoService(TodoRepository(transaction), CursorSigner(secret, transaction.user_id))
