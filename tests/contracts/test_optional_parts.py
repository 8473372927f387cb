"""What nobody asked for is not loaded."""

import subprocess
import sys

import pytest

TRACES = """
from todo.app import create_app
from todo.architect.application import wiring
from todo.database.url import DatabaseUrl
assert create_app(wiring(DatabaseUrl.parse("postgresql:///todo"))).openapi()
"""
SERVING = """
import todo.app, todo.cli, todo.serve.product, todo.serve.workers
import todo.serve.backup, todo.serve.doctor, todo.serve.restore
"""
LOADED = """
import sys
print(*(name for name in sys.modules if name.startswith({names!r})))
"""


@pytest.mark.parametrize(
    ("program", "names"),
    [
        (TRACES, ("opentelemetry.sdk", "opentelemetry.exporter")),
        (SERVING, ("todo.architect", "pydantic_ai", "blockbuster")),
    ],
    ids=["traces", "architect"],
)
def test_what_nobody_asked_for_stays_on_the_disk(program: str, names: tuple[str, ...]) -> None:
    finished = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", program + LOADED.format(names=names)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (finished.returncode, finished.stdout.strip()) == (0, ""), finished.stderr
