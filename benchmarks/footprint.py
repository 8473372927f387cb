"""How small it is, and how soon it is there."""

import time
from dataclasses import dataclass

import httpx2

from benchmarks.processes import proportional_bytes
from tests.e2e.product import Product
from tests.e2e.waiting import wait_until

_REST_SECONDS = 5.0


@dataclass(frozen=True)
class Footprint:
    """How long a warm start takes, and the megabytes of each part at rest."""

    start_seconds: float
    at_rest_mb: dict[str, float]


def footprint(product: Product) -> Footprint:
    """Start a product that is stopped; see how long it takes, and what it holds when nobody asks anything."""
    began = time.monotonic()
    product.launch()
    wait_until(lambda: _is_ready(product), "it is ready", seconds=90)
    seconds = time.monotonic() - began
    product.await_output("Ctrl-C stops it.")
    time.sleep(_REST_SECONDS)  # what it still does after a start is not rest
    database = {process.pid for process in product.postgres()}
    sign_in = {product.auth_server().pid}
    others = {process.pid for process in product.family()} - database - sign_in
    parts = {"API": others, "sign-in": sign_in, "database": database}
    held = {name: proportional_bytes(pids) / 1e6 for name, pids in parts.items()}
    product.stop()
    return Footprint(seconds, held)


def _is_ready(product: Product) -> bool:
    try:
        return httpx2.get(f"{product.address}/health/ready").status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
