"""The use cases of todos, and the problems they can raise."""

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import uuid_utils.compat as uuids

from todo.database.transaction import Transaction
from todo.features.todos.models import ChangeKind, Todo
from todo.features.todos.repository import Change, Position, TodoRepository
from todo.features.todos.schemas import (
    ChangesWanted,
    CreateOperation,
    Operation,
    OperationProblem,
    OperationResult,
    PageInfo,
    TodoBatch,
    TodoBatchResult,
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
    ValidationFailed,
    json_pointer,
)
from todo.settings import Limits
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


class QuotaExceeded(Forbidden):
    """You have as many todos as a person may have; those in the trash count."""

    title = "Quota exceeded"
    error_code = "todo_quota_exceeded"

    def __init__(self, quota: int) -> None:
        super().__init__(f"You have as many todos as a person may have, {quota}; those in the trash count.")


class ChangesForgotten(Gone):
    """The token is too old. Ask for a new one without `since`, then list all todos, then go on from it."""

    title = "Changes forgotten"
    error_code = "changes_forgotten"


class TodoService:
    """What a person can do with their todos.

    `versions` are those the caller has seen; a todo at any other is left alone and `TodoChanged` raised.
    """

    def __init__(self, todos: TodoRepository, cursors: CursorSigner, limits: Limits) -> None:
        self._todos = todos
        self._cursors = cursors
        self._limits = limits

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
        quota = self._limits.quota
        if quota and change.todo_count >= quota:
            raise QuotaExceeded(quota)
        todo = Todo(
            user_id=self._todos.owner_id,
            id=todo_id,
            **new.model_dump(),
            created_at=change.at,
            updated_at=change.at,
            change_seq=change.seq,
        )
        return await self._todos.add(todo)

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
            raise await self._absence(todo_id)
        return todo

    async def update_todo(
        self, todo_id: UUID, wanted: TodoUpdate, versions: Collection[int] | None = None
    ) -> TodoRead:
        """Change the named fields; naming the values it has already changes nothing."""
        change = await self._todos.next_change()
        todo = await self._live(todo_id, versions)
        kind = todo.apply(wanted.changes(), change.at)
        if kind is None:
            return TodoRead.model_validate(todo)
        return await self._todos.save(todo, change, kind)

    async def complete_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> TodoRead:
        """Mark it done; completing it again keeps the first time."""
        return await self.update_todo(todo_id, TodoUpdate(is_completed=True), versions)

    async def reopen_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> TodoRead:
        """Mark it not done; reopening an open one changes nothing."""
        return await self.update_todo(todo_id, TodoUpdate(is_completed=False), versions)

    async def delete_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> None:
        """Move it to the trash."""
        change = await self._todos.next_change()
        todo = await self._live(todo_id, versions)
        todo.deleted_at = change.at
        await self._todos.save(todo, change, ChangeKind.DELETED)

    async def restore_todo(self, todo_id: UUID, versions: Collection[int] | None = None) -> TodoRead:
        """Bring it back from the trash; restoring one that is not there changes nothing."""
        change = await self._todos.next_change()
        todo = await self._seen(todo_id, versions)
        if todo.deleted_at is None:
            return TodoRead.model_validate(todo)
        todo.deleted_at = None
        return await self._todos.save(todo, change, ChangeKind.RESTORED)

    async def batch_todos(self, batch: TodoBatch) -> TodoBatchResult:
        """Do the operations one after the other, by the rules and with the refusals of single calls.

        Raises the first refusal if the batch is atomic, naming the operation; otherwise refusals are results.
        Raises `ValidationFailed` if there are too many of them.
        """
        limit = self._limits.batch_limit
        if len(batch.operations) > limit:
            raise ValidationFailed(errors=[_too_long(limit)])
        made: dict[str, UUID] = {}
        results: list[OperationResult] = []
        for number, operation in enumerate(batch.operations):
            try:
                result = await self._operate(operation, made)
            except Problem as problem:
                if batch.atomic:
                    problem.errors = [_operation_error(number, problem)]
                    raise
                said = OperationProblem.model_validate(problem)
                result = OperationResult(status=problem.status, temp_id=operation.temp_id, problem=said)
            results.append(result)
        return TodoBatchResult(results=results)

    async def _operate(self, operation: Operation, made: dict[str, UUID]) -> OperationResult:
        todo: TodoRead | None = None
        status = 200
        if isinstance(operation, CreateOperation):
            todo, status = await self.create_todo(operation.todo), 201
            if operation.temp_id is not None:
                made[operation.temp_id] = todo.id
        else:
            todo_id = operation.id or made.get(operation.temp_id or "")
            if todo_id is None:
                raise TodoNotFound("The operation that was to make this todo was refused.")
            versions = None if operation.version is None else {operation.version}
            if isinstance(operation, UpdateOperation):
                todo = await self.update_todo(todo_id, operation.changes, versions)
            elif operation.op == "delete":
                await self.delete_todo(todo_id, versions)
                status = 204
            else:
                acts = {
                    "complete": self.complete_todo,
                    "reopen": self.reopen_todo,
                    "restore": self.restore_todo,
                }
                todo = await acts[operation.op](todo_id, versions)
        return OperationResult(status=status, temp_id=operation.temp_id, todo=todo)

    async def list_changes(self, wanted: ChangesWanted, now: datetime) -> TodoChanges:
        """Give the changes after a token, in order, and the token to go on with.

        Raises `ChangesForgotten` when the token is too old to be sure that none is missing.
        """
        if wanted.since is None:
            last = await self._todos.last_change()
            return TodoChanges(changes=[], next=self._write_token(last, now), has_more=False)
        since = self._read_token(wanted.since, now)
        found = await self._todos.changes(since, wanted.limit + 1)
        shown = found[: wanted.limit]
        last = shown[-1][0] if shown else since
        return TodoChanges(
            changes=[change for _, change in shown],
            next=self._write_token(last, now),
            has_more=len(found) > len(shown),
        )

    def _write_token(self, seq: int, now: datetime) -> str:
        return self._cursors.write(json.dumps([seq, now.isoformat()]), _CHANGES)

    def _read_token(self, token: str, now: datetime) -> int:
        seq, written_at = json.loads(self._cursors.read(token, _CHANGES, name="since"))
        if now - datetime.fromisoformat(written_at) > CHANGES_KEPT_FOR:
            raise ChangesForgotten
        return int(seq)

    async def _live(self, todo_id: UUID, versions: Collection[int] | None) -> Todo:
        todo = await self._seen(todo_id, versions)
        if todo.deleted_at is not None:
            raise TodoNotFound
        return todo

    async def _seen(self, todo_id: UUID, versions: Collection[int] | None) -> Todo:
        todo = await self._todos.get(todo_id)
        if todo is None:
            raise await self._absence(todo_id)
        if versions is not None and todo.version not in versions:
            raise TodoChanged
        return todo

    async def _absence(self, todo_id: UUID) -> TodoNotFound | TodoNotOwned:
        is_mine_in_trash = await self._todos.get(todo_id) is not None
        if not is_mine_in_trash and await self._todos.is_somebodys(todo_id):
            return TodoNotOwned()
        return TodoNotFound()

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


def _too_long(limit: int) -> FieldError:
    return {
        "location": "body",
        "pointer": "/operations",
        "code": "too_long",
        "detail": f"this server takes at most {limit} at once",
    }


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


def todo_service(transaction: Transaction, secret: bytes, limits: Limits) -> TodoService:
    """Build the service of the person the transaction belongs to."""
    return TodoService(TodoRepository(transaction), CursorSigner(secret, transaction.user_id), limits)
