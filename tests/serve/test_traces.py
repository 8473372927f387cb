"""Whether the standard variables ask for traces, and what is said when they cannot be sent."""

import pytest

from todo.serve.traces import traces_are_wanted

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    "environment",
    [
        ENDPOINT,
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"},
        {"OTEL_TRACES_EXPORTER": "otlp"},
        {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_SDK_DISABLED": "false"},
        {
            **ENDPOINT,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        },
    ],
)
def test_the_standard_variables_ask_for_traces(
    environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert traces_are_wanted(environment)
    assert caplog.messages == []


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": " "},
        {**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"},
        {**ENDPOINT, "OTEL_SDK_DISABLED": "TRUE"},
    ],
)
def test_traces_that_nobody_wants_are_not_spoken_of(
    environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert not traces_are_wanted(environment)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER is 'zipkin', and only 'otlp' is known"),
        (
            {**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc', and only 'http/protobuf' is spoken",
        ),
    ],
)
def test_traces_that_cannot_be_sent_are_missed_in_one_sentence(
    environment: dict[str, str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not traces_are_wanted(environment)
    assert caplog.messages == [f"No traces are sent: {reason}."]
