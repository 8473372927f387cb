"""Traces, sent to a real receiver when the standard variables ask for them."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.collector import Collector
from tests.e2e.people import People
from tests.e2e.product import Product, copied_product
from tests.e2e.waiting import wait_until
from tests.factories import Person

CALLERS_SPAN = "00f067aa0ba902b7"
CANARY = uuid4().hex


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector.running() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(
    installation: Path, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """A product with two workers that sends its traces soon."""
    with copied_product(installation, tmp_path_factory.mktemp("traced")) as product:
        product.launch(
            TODO_WORKERS="2",
            TODO_LOG_FORMAT="json",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="50",
        )
        product.await_output("is ready at")
        yield product


@pytest.fixture
async def person(traced: Product, people: People) -> Person:
    return await (await people.newcomer(traced)).person()


def continuing(trace_id: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace_id}-{CALLERS_SPAN}-01"}


async def test_a_request_continues_its_callers_trace_down_to_the_transaction(
    person: Person, collector: Collector
) -> None:
    trace_id = uuid4().hex

    todo = (await person.post("/api/todos", json={"title": "Traced"})).json()
    await person.patch(f"/api/todos/{todo['id']}/complete", headers=continuing(trace_id))

    wait_until(lambda: len(collector.of(trace_id)) == 2, "both spans have arrived")
    server, transaction = sorted(collector.of(trace_id), key=lambda span: not span.is_server)
    assert (server.name, server.parent_id) == ("PATCH /api/todos/{todo_id}/complete", CALLERS_SPAN)
    assert server.attributes["http.route"] == "/api/todos/{todo_id}/complete"
    assert server.attributes["http.response.status_code"] == "200"
    assert (transaction.name, transaction.parent_id) == ("write transaction", server.span_id)
    assert {server.service, transaction.service} == {"todo-evolution"}


async def test_what_is_read_shows_too(person: Person, collector: Collector) -> None:
    trace_id = uuid4().hex

    await person.get("/api/todos", headers=continuing(trace_id))

    wait_until(lambda: len(collector.of(trace_id)) == 2, "both spans have arrived")
    assert {span.name for span in collector.of(trace_id)} == {"GET /api/todos", "read transaction"}


async def test_a_line_of_the_log_names_the_trace(
    person: Person, traced: Product, collector: Collector
) -> None:
    trace_id = uuid4().hex

    answer = await person.get("/api/todos", headers=continuing(trace_id))

    wait_until(lambda: trace_id in traced.output, "the line is written")
    [line] = [json.loads(line) for line in traced.output.splitlines() if trace_id in line]
    assert line["request_id"] == answer.headers["x-request-id"]
    wait_until(lambda: collector.of(trace_id), "the trace has arrived")


async def test_a_trace_holds_nothing_that_a_person_wrote(person: Person, collector: Collector) -> None:
    trace_id = uuid4().hex
    headers = continuing(trace_id)
    await person.post("/api/todos", json={"title": CANARY}, headers=headers)
    await person.get("/api/todos", params={"q": CANARY}, headers=headers)
    await person.get(f"/api/todos/{CANARY}", headers=headers)
    await person.get(f"/api/auth/reset-password/{CANARY}", params={"token": CANARY}, headers=headers)
    await person.get(f"/{CANARY}", headers=headers)

    wait_until(lambda: sum(span.is_server for span in collector.of(trace_id)) == 5, "five requests arrived")

    assert CANARY.encode() not in collector.raw
    assert person.subject.encode() not in collector.raw
    assert person.token.encode() not in collector.raw


def test_a_collector_that_is_away_holds_up_neither_start_nor_stop(own_product: Product) -> None:
    own_product.start(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")

    assert own_product.stop() == 0


def test_without_the_extra_traces_are_missed_in_one_sentence_and_everything_else_works(
    own_product: Product,
) -> None:
    # As in an installation without it: nothing of this name can be found.
    hidden = "import sys; sys.modules['opentelemetry.exporter'] = None"
    (own_product.folder / "sitecustomize.py").write_text(hidden, encoding="utf-8")

    own_product.start(OTEL_TRACES_EXPORTER="otlp", PYTHONPATH=str(own_product.folder))

    missed = "No traces are sent: the packages for it are not installed; `pip install 'todo-evolution[otel]'`"
    assert own_product.output.count(missed) == 1
    assert own_product.output.count("No traces are sent") == 1
