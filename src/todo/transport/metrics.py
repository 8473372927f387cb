"""What is counted of requests."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from todo.live_gauge import LiveGauge

# From what memory answers to the longest that anybody is made to wait.
_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
_OTHER = "_OTHER"


class RequestMetrics:
    """Counts requests and how long they took; named after OpenTelemetry's conventions for HTTP servers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "http_server_requests",
            "Requests answered.",
            ["http_request_method", "http_route", "http_response_status_code"],
            registry=registry,
        )
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "Time from a request's headers to the end of its answer.",
            ["http_request_method", "http_route"],
            buckets=_BUCKETS_SECONDS,
            registry=registry,
        )
        active = Gauge(
            "http_server_active_requests",
            "Requests being worked on.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._active = LiveGauge(active)
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def begin(self) -> float:
        """Count a request as being worked on, and give the time to hand to `end`."""
        self._active.add(1)
        return time.perf_counter()

    def end(self, began: float, method: str, route: str, status: int) -> float:
        """Count a request as answered and give the seconds it took; status 0 is for no answer at all."""
        seconds = time.perf_counter() - began
        self._active.add(-1)
        key = (method, route, status)
        requests, duration = self._known.get(key) or self._learn(key)
        requests.inc()
        duration.observe(seconds)
        return seconds

    def _learn(self, key: tuple[str, str, int]) -> tuple[Counter, Histogram]:
        method, route, status = key
        shown = method if method in _METHODS else _OTHER
        children = self._requests.labels(shown, route, str(status)), self._duration.labels(shown, route)
        # What callers make up is not remembered.
        if shown is method:
            self._known[key] = children
        return children
