"""A pool that counts who holds a connection, who waits for one, and who waited in vain."""

import asyncio
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from todo.database.pool import Connection, Pool
from todo.live_gauge import LiveGauge

# A free connection is there at once; the longest wait is given up after two seconds.
_BUCKETS_SECONDS = (0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5)


class MeasuredPool:
    """The pool of one worker; its metrics are named after OpenTelemetry's conventions for databases."""

    def __init__(self, pool: Pool, registry: CollectorRegistry) -> None:
        self._pool = pool
        used = Gauge(
            "db_client_connection_count",
            "Connections in use.",
            ["db_client_connection_state"],
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._used = LiveGauge(used.labels("used"))
        waiting = Gauge(
            "db_client_connection_pending_requests",
            "Requests that wait for a connection.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._waiting = LiveGauge(waiting)
        self._wait = Histogram(
            "db_client_connection_wait_time_seconds",
            "Time it took to get a connection.",
            buckets=_BUCKETS_SECONDS,
            registry=registry,
        )
        self._timeouts = Counter(
            "db_client_connection_timeouts",
            "Requests that got no connection in time.",
            registry=registry,
        )
        Gauge(
            "db_client_connection_max",
            "Connections that may be open.",
            multiprocess_mode="livesum",
            registry=registry,
        ).set(pool.size)

    async def acquire(self, *, timeout: float) -> Connection:  # noqa: ASYNC109  # as the driver's pool has it
        """Give a connection; raises `TimeoutError` when none is free in time."""
        connection = self._pool.at_once()
        if connection is None:
            connection = await self._awaited(timeout)
        else:
            self._wait.observe(0.0)
        self._used.add(1)
        return connection

    async def _awaited(self, seconds: float) -> Connection:
        began = time.perf_counter()
        self._waiting.add(1)
        try:
            connection = await self._pool.acquire(timeout=seconds)
        except (TimeoutError, asyncio.CancelledError):
            # Whose own time is up first is called off, and has waited in vain as well.
            self._timeouts.inc()
            raise
        finally:
            self._waiting.add(-1)
        self._wait.observe(time.perf_counter() - began)
        return connection

    async def release(self, connection: Connection) -> None:
        """Take a connection back."""
        self._used.add(-1)
        await self._pool.release(connection)


def gauge_of(registry: CollectorRegistry, purpose: str) -> Gauge:
    """Give what shows the connections for reads, or for writes, which are not of the pool."""
    return Gauge(
        f"db_client_{purpose}_connections",
        f"Connections open for {purpose}s.",
        multiprocess_mode="livesum",
        registry=registry,
    )
