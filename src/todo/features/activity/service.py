"""The use cases of activity: who changed what, and having it as it was before."""

from datetime import datetime

from todo.database.transaction import Transaction
from todo.features.activity.repository import ActivityRepository
from todo.features.activity.rules import (
    UNDO_MAX,
    ActionNotFound,
    ActionNotYours,
    Recorded,
    UndoConflict,
    UndoTooLarge,
    Verdict,
    judged,
)
from todo.features.activity.schemas import (
    ActivityPage,
    ActivityPageInfo,
    ActivityWanted,
    UndoOutcome,
    UndoResult,
    UndoWanted,
)
from todo.features.todos.rules import Undoing
from todo.features.todos.service import TodoReversal, todo_reversal
from todo.transport.paging import CursorSigner

_CANNOT = {UndoOutcome.CONFLICT, UndoOutcome.PURGED}


class ActivityService:
    """What was done to a person's todos, and undoing it.

    A person may undo whatever was done for them; `bound_to` a client, only what that client did.
    """

    def __init__(
        self,
        activity: ActivityRepository,
        todos: TodoReversal,
        cursors: CursorSigner,
        bound_to: str | None,
    ) -> None:
        self._activity = activity
        self._todos = todos
        self._cursors = cursors
        self._bound_to = bound_to

    async def list_activity(self, wanted: ActivityWanted) -> ActivityPage:
        """Give one page of the changes that match, the newest first."""
        question = f"activity {wanted.model_dump_json(include={'client', 'todo_id', 'since'})}"
        before = None if wanted.cursor is None else int(self._cursors.read(wanted.cursor, question))
        entries, has_more = await self._activity.find(wanted, before)
        following = self._cursors.write(str(entries[-1].seq), question) if has_more else None
        info = ActivityPageInfo(limit=wanted.limit, next_cursor=following, has_more=has_more)
        return ActivityPage(items=entries, page=info)

    async def undo(self, wanted: UndoWanted, now: datetime) -> UndoResult:
        """Put back what an action, or a client since a moment, has changed: the newest first.

        A todo that others have changed since, or that is gone, stays as it is, and the result says why; if
        that is to stop all of it, `UndoConflict` is raised. Raises `ActionNotFound`, `ActionNotYours` and
        `UndoTooLarge`.
        """
        first = None if wanted.dry_run else await self._todos.begin()
        chosen, pointer = await self._chosen(wanted)
        verdicts = await self._verdicts(chosen)
        if wanted.atomic and (errors := [one.error(pointer) for one in verdicts if one.outcome in _CANNOT]):
            raise UndoConflict(errors=errors)
        todos = await self._todos.todos([verdict.todo_id for verdict in verdicts])
        undoing = _newest_first(verdicts)
        if first is None:
            self._todos.try_undoing(todos, undoing, now)
        else:
            await self._todos.undo_changes(todos, undoing, first)
        return UndoResult(
            action=first.seq if first and undoing else None,
            todos=[verdict.told(todos.get(verdict.todo_id)) for verdict in verdicts],
        )

    async def _chosen(self, wanted: UndoWanted) -> tuple[list[Recorded], str]:
        if wanted.action is not None:
            chosen, pointer = await self._activity.of_action(wanted.action, UNDO_MAX + 1), "/action"
            if not chosen:
                raise ActionNotFound
            self._require_own(chosen[0].made.client)
        elif wanted.client is not None and wanted.since is not None:
            self._require_own(wanted.client)
            chosen = await self._activity.of_client(wanted.client, wanted.since, UNDO_MAX + 1)
            pointer = "/since"
        else:
            raise RuntimeError("the schema lets nothing else through")
        if len(chosen) > UNDO_MAX:
            raise UndoTooLarge(pointer)
        return chosen, pointer

    def _require_own(self, client: str | None) -> None:
        if self._bound_to not in {None, client}:
            raise ActionNotYours

    async def _verdicts(self, chosen: list[Recorded]) -> list[Verdict]:
        if not chosen:
            return []
        todo_ids = {change.todo_id for change in chosen}
        return judged(chosen, await self._activity.history(todo_ids, chosen[-1].seq))


def _newest_first(verdicts: list[Verdict]) -> list[Undoing]:
    changes = [change for verdict in verdicts for change in verdict.undone]
    changes.sort(key=lambda change: change.seq, reverse=True)
    return [Undoing(change.todo_id, change.seq, change.before) for change in changes]


def activity_service(transaction: Transaction, secret: bytes, *, bound_to: str | None) -> ActivityService:
    """Build the service of the person the transaction belongs to."""
    return ActivityService(
        ActivityRepository(transaction),
        todo_reversal(transaction),
        CursorSigner(secret, transaction.user_id),
        bound_to,
    )
