"""A collector of traces: takes in what OpenTelemetry's exporters send over HTTP."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class Seen:
    """One span, as it arrived."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, str]
    is_server: bool

    @classmethod
    def of(cls, span: Span, resource: dict[str, str]) -> "Seen":
        return cls(
            service=resource["service.name"],
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            attributes=_texts(span.attributes),
            is_server=span.kind == Span.SPAN_KIND_SERVER,
        )


class Collector:
    """Keeps every span it is sent."""

    def __init__(self) -> None:
        self.url = ""
        self.raw = b""
        self.spans: list[Seen] = []

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Collector"]:
        collector = cls()
        with ThreadingHTTPServer(("127.0.0.1", 0), collector._handler()) as server:
            collector.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            yield collector
            server.shutdown()
            thread.join()

    def of(self, trace_id: str) -> list[Seen]:
        """Give the spans of one trace."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.raw += body
                collector.spans += _spans(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Receiver


def _spans(request: ExportTraceServiceRequest) -> Iterator[Seen]:
    for sent in request.resource_spans:
        resource = _texts(sent.resource.attributes)
        for scope in sent.scope_spans:
            for span in scope.spans:
                yield Seen.of(span, resource)


def _texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: pair.value.string_value or str(pair.value.int_value) for pair in attributes}
