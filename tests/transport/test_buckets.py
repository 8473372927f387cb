"""A bucket holds a window's worth and fills evenly, and those who map one file share it."""

import multiprocessing
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo.transport import buckets
from todo.transport.buckets import BucketTable, open_buckets
from todo.transport.rate_limit import Policy, RateLimiter

SECOND = 1_000_000_000
POLICY = Policy("test", 6, window_seconds=60)
ANYBODY = UUID(int=7)


class Clock:
    """Stands still until it is told how much later it is."""

    def __init__(self) -> None:
        self.now = 1_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table() -> Iterator[BucketTable]:
    with open_buckets(None) as table:
        yield table


@pytest.fixture
def limiter(table: BucketTable, clock: Clock) -> RateLimiter:
    return RateLimiter(POLICY, table, clock)


def granted(limiter: RateLimiter, times: int, person: UUID = ANYBODY) -> int:
    return sum(limiter.take(person).is_granted for _ in range(times))


def test_a_bucket_holds_its_quota_and_no_more(limiter: RateLimiter, clock: Clock) -> None:
    at_first = granted(limiter, 10)
    clock.forward(3600)

    assert (at_first, granted(limiter, 10)) == (6, 6)


def test_it_fills_evenly(limiter: RateLimiter, clock: Clock) -> None:
    granted(limiter, 6)
    grants = []
    for _ in range(4):
        clock.forward(5)
        grants.append(granted(limiter, 2))

    assert grants == [0, 1, 0, 1]


def test_what_is_refused_costs_nothing(limiter: RateLimiter, clock: Clock) -> None:
    granted(limiter, 1000)
    clock.forward(10)

    assert granted(limiter, 1000) == 1


def test_it_says_what_is_left_and_when_there_is_one_more(limiter: RateLimiter, clock: Clock) -> None:
    told = [limiter.take(ANYBODY).headers()[b"ratelimit"].decode() for _ in range(7)]
    clock.forward(3.5)
    told.append(limiter.take(ANYBODY).headers()[b"ratelimit"].decode())

    assert told == [f'"test";r={left};t=10' for left in (5, 4, 3, 2, 1, 0, 0)] + ['"test";r=0;t=7']


def test_people_have_a_bucket_each(limiter: RateLimiter) -> None:
    assert [granted(limiter, 10, uuid4()) for _ in range(100)] == [6] * 100


@given(st.integers(1, 50), st.integers(1, 90), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9))))
def test_it_grants_what_an_exact_bucket_would(quota: int, window: int, life: list[tuple[int, int]]) -> None:
    clock = Clock()
    interval = Fraction(window * SECOND // quota)
    held = Fraction(quota)
    with open_buckets(None) as table:
        limiter = RateLimiter(Policy("test", quota, window), table, clock)
        for seconds, times in life:
            clock.forward(seconds / 10)
            held = min(held + Fraction(int(seconds / 10 * SECOND)) / interval, Fraction(quota))
            for _ in range(times):
                allowance = limiter.take(ANYBODY)
                assert allowance.is_granted == (held >= 1)
                held -= allowance.is_granted
                assert allowance.left == int(held)


def test_those_who_map_one_file_count_together(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "test.buckets"
    with open_buckets(path) as one, open_buckets(path) as other:
        both = [RateLimiter(POLICY, table, clock) for table in (one, other)]

        assert [granted(limiter, 4) for limiter in both] == [4, 2]
    with open_buckets(path) as later:
        assert granted(RateLimiter(POLICY, later, clock), 4) == 0


def test_processes_together_grant_the_quota_exactly(tmp_path: Path) -> None:
    path = tmp_path / "test.buckets"
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        shares = list(processes.map(grants_at_one_instant, [path] * 16))

    assert sum(shares) == 10_000


def grants_at_one_instant(path: Path) -> int:
    with open_buckets(path) as table:
        return granted(RateLimiter(Policy("test", 10_000, 60), table, Clock()), 1_000)


def test_the_ninth_of_a_group_takes_the_slot_of_the_least_busy(limiter: RateLimiter) -> None:
    group = (person for person in iter(uuid4, None) if zlib.crc32(person.bytes) % buckets._GROUPS == 0)
    *busy, calm, ninth = (next(group) for _ in range(9))
    for person in busy:
        granted(limiter, 6, person)
    granted(limiter, 1, calm)

    assert granted(limiter, 10, ninth) == 6
    assert [granted(limiter, 10, person) for person in busy] == [0] * 7


def test_a_full_bucket_gives_its_slot_up_first(limiter: RateLimiter, clock: Clock) -> None:
    group = (person for person in iter(uuid4, None) if zlib.crc32(person.bytes) % buckets._GROUPS == 0)
    first, *others = (next(group) for _ in range(8))
    granted(limiter, 6, first)
    clock.forward(60)
    for person in [*others, next(group)]:
        granted(limiter, 6, person)

    assert [granted(limiter, 10, person) for person in others] == [0] * 7
