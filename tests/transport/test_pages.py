"""Files of the pages: which of their compressed forms goes out."""

import gzip
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from todo.transport.pages import page_routes


@pytest.fixture
def pages(tmp_path: Path) -> httpx2.AsyncClient:
    """Give a client of pages that hold one script in all its forms."""
    for folder in ("assets", "static"):
        (tmp_path / folder).mkdir()
    forms = {"": b"plain", ".br": b"as brotli", ".gz": gzip.compress(b"as gzip")}
    for ending, content in forms.items():
        (tmp_path / "assets" / f"app.js{ending}").write_bytes(content)
    app = Starlette(routes=page_routes(tmp_path))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://todo")


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "br"),
        ("br;q=0, gzip", "gzip"),
        ("BR ; q=0.000, GZIP;q=0.1", "gzip"),
        ("br;q=0, gzip;q=0.0", None),
        ("brand-new", None),
        ("", None),
    ],
)
async def test_a_script_goes_out_in_no_form_that_the_browser_refuses(
    pages: httpx2.AsyncClient, accepted: str, encoding: str | None
) -> None:
    answer = await pages.get("/assets/app.js", headers={"Accept-Encoding": accepted})

    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
