"""The load: raw sockets in one loop, so light that whoever answers is what is measured.

Closed, each connection asks as soon as it was answered. Open, requests are due at times of their own,
whatever became of those before, and waited for from then on: a stall is seen by all that were due in it.
"""

import random
import re
import select
import socket
import time
from array import array
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from benchmarks.requests import WRITES, Asked, Job

_PATIENCE_SECONDS = 15.0
# Servers close connections that are silent for some seconds: those are not waited for.
_KEPT_SECONDS = 2.0
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class BadAnswer(Exception):  # as the others
    """An answer was not what the request asks for: the run counts for nothing."""


@dataclass
class Sample:
    """What one run of the load saw."""

    seconds: float
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    writes: Counter[Job] = field(default_factory=Counter)
    answered: int = 0
    cpu_seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """How many answers came in a second of the time that counts."""
        return len(self.latencies) / self.seconds


class _Link:
    """One connection, and the request that it waits for."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=_PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self.free_since = 0.0
        self._asked: Asked | None = None
        self._read = b""

    def ask(self, asked: Asked, began: float) -> None:
        self._asked, self.began, self._read = asked, began, b""
        self.socket.sendall(asked.wire)

    def take(self, tag: bytes) -> Asked | None:
        """Read what has come; give the request if that was all of its answer."""
        received = self.socket.recv(262_144)
        if not received:
            raise BadAnswer("the connection was closed")
        answer = self._read = self._read + received if self._read else received
        end_of_head = answer.find(b"\r\n\r\n")
        if end_of_head < 0:
            return None
        length = _LENGTH.search(answer, 0, end_of_head + 2)
        if length is None:
            raise BadAnswer(f"an answer without a length: {answer[:200]!r}")
        if len(answer) < end_of_head + 4 + int(length[1]):
            return None
        asked = self._asked
        if asked is None:
            raise BadAnswer(f"an answer to nothing: {answer[:200]!r}")
        if int(answer[9:12]) != asked.status or asked.marker not in answer or tag not in answer:
            raise BadAnswer(f"{asked.wire[:60]!r} was answered {answer[:600]!r}")
        self._asked = None
        return asked


class Load:
    """Sends requests to one address, over connections that stay open."""

    def __init__(
        self,
        address: tuple[str, int],
        tag: bytes = b"",
        most_open: int = 256,
        kept_seconds: float = _KEPT_SECONDS,
    ) -> None:
        self._address = address
        self._tag = tag
        self._most_open = most_open
        self._kept_seconds = kept_seconds

    def closed(self, requests: Iterator[Asked], connections: int, seconds: float, warm_up: float) -> Sample:
        """Ask over so many connections for so long; raises `BadAnswer` for any that is not right."""
        links = [_Link(self._address) for _ in range(connections)]
        sample = Sample(seconds)
        with _Waiting(links) as waiting:
            cpu = time.process_time()
            begin = time.perf_counter() + warm_up
            end = begin + seconds
            for link in links:
                link.ask(next(requests), time.perf_counter())
            busy = len(links)
            while busy:
                for link in waiting.ready(_PATIENCE_SECONDS):
                    asked = link.take(self._tag)
                    if asked is None:
                        continue
                    now = time.perf_counter()
                    _note(sample, asked)
                    if begin <= now < end:
                        sample.latencies.append(now - link.began)
                    if now < end:
                        link.ask(next(requests), now)
                    else:
                        busy -= 1
            sample.cpu_seconds = time.process_time() - cpu
        return sample

    def open(self, requests: Iterator[Asked], rate: float, seconds: float, warm_up: float) -> Sample:
        """Ask at so many random moments of a second for so long, answered or not.

        A connection is opened when none is free and closed after a silence, as a client's pool does; what
        that takes is part of the latency.
        """
        sample = Sample(seconds)
        due: deque[float] = deque()
        with _Waiting([]) as waiting:
            free: list[_Link] = []
            begin = time.perf_counter() + warm_up
            end = begin + seconds
            upcoming = _moments(time.perf_counter(), rate, end)
            following = next(upcoming, None)
            cpu = time.process_time()
            while following is not None or due or len(free) < len(waiting):
                now = time.perf_counter()
                while following is not None and following <= now:
                    due.append(following)
                    following = next(upcoming, None)
                _leave_silent(free, waiting, now - self._kept_seconds)
                while due and (free or len(waiting) < self._most_open):
                    link = free.pop() if free else waiting.add(_Link(self._address))
                    link.ask(next(requests), due.popleft())
                patience = _PATIENCE_SECONDS if following is None else max(0.0, following - now)
                for link in waiting.ready(patience, is_silence_fine=following is not None):
                    if link in free:
                        # The server was the first to be tired of it.
                        free.remove(link)
                        waiting.remove(link)
                        continue
                    asked = link.take(self._tag)
                    if asked is None:
                        continue
                    _note(sample, asked)
                    link.free_since = time.perf_counter()
                    if begin <= link.began < end:
                        sample.latencies.append(link.free_since - link.began)
                    free.append(link)
            sample.cpu_seconds = time.process_time() - cpu
        return sample


def _leave_silent(free: list[_Link], waiting: "_Waiting", since: float) -> None:
    """Close those that have been free since then; the first of them is free the longest."""
    while free and free[0].free_since < since:
        waiting.remove(free.pop(0))


class _Waiting:
    """Tells which connections have something to read."""

    def __init__(self, links: list[_Link]) -> None:
        self._links: dict[int, _Link] = {}
        self._poll = select.epoll()
        for link in links:
            self.add(link)

    def add(self, link: _Link) -> _Link:
        self._links[link.socket.fileno()] = link
        self._poll.register(link.socket, select.EPOLLIN)
        return link

    def remove(self, link: _Link) -> None:
        del self._links[link.socket.fileno()]
        link.socket.close()

    def __len__(self) -> int:
        return len(self._links)

    def ready(self, patience: float, *, is_silence_fine: bool = False) -> list[_Link]:
        events = self._poll.poll(patience)
        if not events and not is_silence_fine:
            raise BadAnswer(f"no answer for {patience:.0f} s")
        return [self._links[number] for number, _ in events]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._poll.close()
        for link in self._links.values():
            link.socket.close()


def _note(sample: Sample, asked: Asked) -> None:
    sample.answered += 1
    if asked.job in WRITES:
        sample.writes[asked.job] += 1


def _moments(start: float, rate: float, end: float) -> Iterator[float]:
    at, dice = start, random.Random(7)  # noqa: S311  # the same each time
    while True:
        at += dice.expovariate(rate)
        if at >= end:
            return
        yield at
