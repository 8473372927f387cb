"""A gauge of what comes and goes with every request."""

import asyncio

from prometheus_client import Gauge


class LiveGauge:
    """Counts in memory; the gauge is told once a turn of the event loop, for that writes a file."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._now = 0
        self._is_told_soon = False

    def add(self, more: int) -> None:
        """Count so many more, or fewer."""
        self._now += more
        if not self._is_told_soon:
            self._is_told_soon = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._is_told_soon = False
        self._gauge.set(self._now)
