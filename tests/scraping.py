"""Reads metrics as Prometheus does."""

from collections.abc import Iterator

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

_REQUESTS = "http_server_requests_total"
_KEY = ("http_request_method", "http_route", "http_response_status_code")


class Scraped:
    """What one look at the metrics showed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def value(self, name: str, **labels: str) -> float:
        """Add up what has this name and these labels."""
        return sum(sample.value for sample in self._named(name) if labels.items() <= sample.labels.items())

    def requests(self, method: str, route: str, status: str) -> float:
        """Give how many requests were answered so."""
        return self.value(_REQUESTS, **dict(zip(_KEY, (method, route, status), strict=True)))

    def request_keys(self) -> list[tuple[str, str, str]]:
        """Give method, route and status of everything that was answered."""
        return [
            (sample.labels[_KEY[0]], sample.labels[_KEY[1]], sample.labels[_KEY[2]])
            for sample in self._named(_REQUESTS)
        ]

    def series(self) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        """Give the names and labels, of which there must not be more and more."""
        return {(sample.name, frozenset(sample.labels.items())) for sample in self._samples}

    def _named(self, name: str) -> Iterator[Sample]:
        return (sample for sample in self._samples if sample.name == name)


async def scrape(client: httpx2.AsyncClient) -> Scraped:
    """Look at the metrics."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return Scraped(answer.text)
