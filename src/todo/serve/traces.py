"""Whether OpenTelemetry's standard variables ask for traces."""

import logging
from collections.abc import Mapping
from importlib.util import find_spec

_logger = logging.getLogger(__name__)
_PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_PROTOCOL = "http/protobuf"


def traces_are_wanted(environment: Mapping[str, str]) -> bool:
    """Whether traces are asked for and can be sent; says in one sentence what is missing for it."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    endpoint = _of_traces(environment, "ENDPOINT")
    is_disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if is_disabled or exporter == "none" or not (exporter or endpoint):
        return False
    missing = _what_is_missing(exporter or "otlp", _of_traces(environment, "PROTOCOL") or _PROTOCOL)
    if missing:
        _logger.warning("No traces are sent: %s.", missing)
    return not missing


def _what_is_missing(exporter: str, protocol: str) -> str:
    if exporter != "otlp":
        return f"OTEL_TRACES_EXPORTER is {exporter!r}, and only 'otlp' is known"
    if protocol != _PROTOCOL:
        return f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}, and only {_PROTOCOL!r} is spoken"
    if not all(_is_installed(package) for package in _PACKAGES):
        return "the packages for it are not installed; `pip install 'todo-evolution[otel]'` brings them"
    return ""


def _of_traces(environment: Mapping[str, str], name: str) -> str:
    special = environment.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}", "")
    return (special or environment.get(f"OTEL_EXPORTER_OTLP_{name}", "")).strip()


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
