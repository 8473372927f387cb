"""A pool that counts who holds a connection, who waits for one, and who waited in vain."""

import asyncio
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from todo.database.pool import Connection, Pool

# A free connection is there at once; the longest wait is given up after two seconds.
_BUCKETS_SECONDS = (0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5)


class MeasuredPool:
    """The pool of one worker; its metrics are named after OpenTelemetry's conventions for databases."""

    def __init__(self, pool: Pool, registry: CollectorRegistry) -> None:
        self._pool = pool
        self._used = Gauge(
            "db_client_connection_count",
            "Connections in use.",
            ["db_client_connection_state"],
            multiprocess_mode="livesum",
            registry=registry,
        ).labels("used")
        self._waiting = Gauge(
            "db_client_connection_pending_requests",
            "Requests that wait for a connection.",
            multiprocess_mode="livesum",
            registry=registry,
        )
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
        self._used_now = 0
        self._waiting_now = 0
        self._is_told_soon = False

    async def acquire(self, *, timeout: float) -> Connection:  # noqa: ASYNC109  # as the driver's pool has it
        """Give a connection; raises `TimeoutError` when none is free in time."""
        connection = self._pool.at_once()
        if connection is None:
            connection = await self._awaited(timeout)
        else:
            self._wait.observe(0.0)
        self._count(used=1)
        return connection

    async def _awaited(self, seconds: float) -> Connection:
        began = time.perf_counter()
        self._count(waiting=1)
        try:
            connection = await self._pool.acquire(timeout=seconds)
        except (TimeoutError, asyncio.CancelledError):
            # Whose own time is up first is called off, and has waited in vain as well.
            self._timeouts.inc()
            raise
        finally:
            self._count(waiting=-1)
        self._wait.observe(time.perf_counter() - began)
        return connection

    async def release(self, connection: Connection) -> None:
        """Take a connection back."""
        self._count(used=-1)
        await self._pool.release(connection)

    def _count(self, *, used: int = 0, waiting: int = 0) -> None:
        self._used_now += used
        self._waiting_now += waiting
        # A file is written: once for all that come and go while the event loop is busy.
        if not self._is_told_soon:
            self._is_told_soon = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._is_told_soon = False
        self._used.set(self._used_now)
        self._waiting.set(self._waiting_now)


def gauge_of_reads(registry: CollectorRegistry) -> Gauge:
    """Give what shows the connections for reads, which are not of the pool."""
    return Gauge(
        "db_client_read_connections",
        "Connections open for reads.",
        multiprocess_mode="livesum",
        registry=registry,
    )
