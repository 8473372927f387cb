"""How many requests a person may send: a bucket that holds a window's worth and fills evenly (GCRA)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from todo.problems import TooManyRequests
from todo.transport.buckets import BucketTable, open_buckets

_SECOND = 1_000_000_000


class RateLimited(TooManyRequests):
    """You have used up your requests: wait as long as `Retry-After` says."""

    title = "Rate limited"
    error_code = "rate_limited"


@dataclass(frozen=True)
class Policy:
    """So many units in so many seconds, under the name that answers tell it by."""

    name: str
    quota: int
    window_seconds: int

    @cached_property
    def header(self) -> bytes:
        """Give the value of the field that tells it (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"{self.name}";q={self.quota};w={self.window_seconds}'.encode()


class Allowance(NamedTuple):
    """Whether it was granted, how many units are left, and the whole seconds until there is one more.

    Of a refusal, until there are as many as were asked for.
    """

    policy: Policy
    is_granted: bool
    left: int
    next_in_seconds: int

    def headers(self) -> dict[bytes, bytes]:
        """Give the fields of an answer that tell it (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            b"ratelimit-policy": self.policy.header,
            b"ratelimit": f'"{self.policy.name}";r={self.left};t={self.next_in_seconds}'.encode(),
        }


class RateLimiter:
    """One policy, and everybody's bucket; times are nanoseconds of a clock that all who share these read."""

    def __init__(
        self, policy: Policy, buckets: BucketTable, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._policy = policy
        self._buckets = buckets
        self._clock = clock
        self._interval = policy.window_seconds * _SECOND // policy.quota
        self._capacity = policy.quota * self._interval

    @property
    def quota(self) -> int:
        """How many units there are in a window."""
        return self._policy.quota

    def take(self, person: UUID, units: int = 1) -> Allowance:
        """Take units out of a person's bucket if there are as many; of none, only say how many there are."""
        with self._buckets.held(person) as bucket:
            # Read while others wait, so that whoever comes later never sees an earlier time.
            now = self._clock()
            full_at = max(bucket.full_at, now) + units * self._interval
            is_granted = full_at <= now + self._capacity
            if is_granted:
                bucket.full_at = full_at
            used = max(bucket.full_at - now, 0)
        next_in = (used - 1) % self._interval + 1 if is_granted else full_at - now - self._capacity
        return Allowance(
            self._policy,
            is_granted=is_granted,
            left=(self._capacity - used) // self._interval,
            next_in_seconds=-(-next_in // _SECOND),
        )


@contextmanager
def open_rate_limiter(policy: Policy, folder: str | None) -> Iterator[RateLimiter]:
    """Open a limiter that counts together with all of this name in the folder; without one, by itself."""
    with open_buckets(Path(folder) / f"{policy.name}.buckets" if folder else None) as buckets:
        yield RateLimiter(policy, buckets)
