"""How many todos an agent may change in an hour, whatever its person may do themselves."""

from uuid import UUID, uuid5

from todo.auth.user import Caller
from todo.problems import TooManyRequests
from todo.transport.callers import client_of
from todo.transport.rate_limit import RateLimiter

_MINUTE = 60


class WriteBudgetSpent(TooManyRequests):
    """The agent has changed as many todos as it may in an hour."""

    title = "Write budget spent"
    error_code = "write_budget_spent"


class WriteBudget:
    """What one agent of one person may still change; without a limiter, anything."""

    def __init__(self, limiter: RateLimiter | None, caller: Caller) -> None:
        self._limiter = limiter
        self._agent: UUID = uuid5(caller.user_id, client_of(caller).id)

    @property
    def quota(self) -> int | None:
        """How many todos in an hour; None is no limit."""
        return self._limiter.quota if self._limiter else None

    def left(self) -> int | None:
        """Give how many now; None is no limit."""
        return self._limiter.take(self._agent, 0).left if self._limiter else None

    def spend(self, todos: int) -> None:
        """Count todos as changed; raises `WriteBudgetSpent`, and counts none, if they are too many."""
        if self._limiter is None:
            return
        quota = self._limiter.quota
        if todos > quota:
            raise WriteBudgetSpent(
                f"The agent may change {quota} todos in an hour, and these are {todos}: change fewer at once."
            )
        allowance = self._limiter.take(self._agent, todos)
        if not allowance.is_granted:
            minutes = -(-allowance.next_in_seconds // _MINUTE)
            raise WriteBudgetSpent(
                f"The agent may change {quota} todos in an hour and has {allowance.left} left, not {todos}: "
                f"try again in {minutes} min, change fewer, or ask the person to do it.",
                retry_after_seconds=allowance.next_in_seconds,
            )
