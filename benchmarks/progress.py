"""Says what is going on, and how far it is."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

_WIDTH = 30
_EVERY_SECONDS = 0.2
_Item = TypeVar("_Item")


def say(words: str) -> None:
    """Print a line for whoever is watching."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201  # for a person


def shown(items: Iterable[_Item], total: int, name: str) -> Iterator[_Item]:
    """Pass the items on, and draw a bar of how many have passed."""
    began = told = time.monotonic()
    count = 0
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - told > _EVERY_SECONDS:
            told = now
            _draw(name, count, total, now - began)
    _draw(name, count, total, time.monotonic() - began)
    say("")


def _draw(name: str, count: int, total: int, seconds: float) -> None:
    share = min(1.0, count / total) if total else 1.0
    bar = ("#" * round(share * _WIDTH)).ljust(_WIDTH)
    line = f"\r{name:14} [{bar}] {share:4.0%}  {count:,} of {total:,}, {seconds:.0f} s"
    sys.stderr.write(line)
    sys.stderr.flush()
