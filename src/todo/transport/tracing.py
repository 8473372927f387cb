"""Traces of requests; needs the extra `otel`, so it is loaded only where traces are wanted."""

import asyncio
import threading
from functools import partial
from importlib.metadata import version

from fastapi.telemetry import TelemetryConfig
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from todo.database.traced import TracedDatabase
from todo.transport.speakable import speakable_path

_UNNAMED = "unknown_service"
_LAST_WORDS_SECONDS = 3.0


class Tracing:
    """Makes spans of requests and transactions, and sends them where the standard `OTEL_…` variables say."""

    def __init__(self) -> None:
        resource = Resource.create({SERVICE_VERSION: version("todo-evolution")})
        if str(resource.attributes[SERVICE_NAME]).startswith(_UNNAMED):
            resource = resource.merge(Resource({SERVICE_NAME: "todo-evolution"}))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(_Discretion())
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.database = partial(TracedDatabase, self._provider.get_tracer("todo"))

    @property
    def telemetry(self) -> TelemetryConfig:
        """Have the framework make a span of each request, and leave metrics and logs to us."""
        return {
            "tracer_provider": self._provider,
            "operation_spans": False,
            "metrics": False,
            "logs": False,
            "auto_configure": False,
        }

    async def close(self) -> None:
        """Send what is left; a collector that is away does not hold up the end."""
        # A daemon, because the exporter tries again for longer than anybody wants to wait.
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, _LAST_WORDS_SECONDS)


class _Discretion(SpanProcessor):
    """Takes out what a person wrote: the framework puts path and query of the address into the span."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002  # as its parent
        attributes = span.attributes or {}
        if "url.path" in attributes:
            span.set_attribute("url.path", speakable_path(str(attributes["url.path"])))
        if "url.query" in attributes:
            span.set_attribute("url.query", "REDACTED")
