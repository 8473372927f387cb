"""`/metrics`, for Prometheus: what all workers counted, and how things stand at this moment."""

import asyncio
import hmac
import platform
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import IPv6Address, ip_address

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from todo.problems import Forbidden, Unauthenticated, Unavailable
from todo.transport.processes import ProcessCollector

_FORWARDED = {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
_QUESTION_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True)
class MetricsPage:
    """What the page shows and to whom."""

    counted: Collector
    token: bytes | None
    questions: Mapping[str, Callable[[], Awaitable[object]]]
    """By the name of its gauge, what is asked at each look: 1 for an answer, 0 for `Unavailable` or none."""

    def route(self) -> Route:
        """Give the route; it is for an operator's machinery and not part of the API."""
        return Route("/metrics", self._show, methods=["GET"], include_in_schema=False)

    async def _show(self, request: Request) -> Response:
        self._require_reader(request)
        answers = await asyncio.gather(*(_is_answered(ask()) for ask in self.questions.values()))
        standing = _Standing(dict(zip(self.questions, answers, strict=True)))
        # Files of other workers and of the kernel are read for it.
        text = await asyncio.to_thread(self._text, standing)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    def _text(self, standing: "_Standing") -> bytes:
        registry = CollectorRegistry()
        for collector in (self.counted, standing, ProcessCollector()):
            registry.register(collector)
        return generate_latest(registry)

    def _require_reader(self, request: Request) -> None:
        """Raise `Forbidden` or `Unauthenticated` unless it is somebody on this machine or has the token."""
        if _is_from_this_machine(request):
            return
        if self.token is None:
            raise Forbidden(
                "The metrics are shown on the machine itself; set TODO_METRICS_TOKEN to read them elsewhere."
            )
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self.token):
            raise Unauthenticated("Send `Authorization: Bearer <TODO_METRICS_TOKEN>`.")


def collector_of(folder: str) -> Collector:
    """Give what all processes together counted in this folder."""
    collector: Collector = MultiProcessCollector(None, folder)  # type: ignore[no-untyped-call]  # the library's
    return collector


class _Standing:
    """How things stand, as it was just found out."""

    def __init__(self, answers: Mapping[str, bool]) -> None:
        self._answers = answers

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("todo_build_info", "What runs here.", labels=["version", "python_version"])
        build.add_metric([version("todo-evolution"), platform.python_version()], 1)
        yield build
        for name, answer in self._answers.items():
            yield GaugeMetricFamily(name, "Whether it answers the worker that you asked.", value=answer)


async def _is_answered(question: Awaitable[object]) -> bool:
    try:
        async with asyncio.timeout(_QUESTION_TIMEOUT_SECONDS):
            await question
    except (Unavailable, TimeoutError):
        return False
    return True


def _is_from_this_machine(request: Request) -> bool:
    # A reverse proxy on this machine speaks for others, and says so.
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback
