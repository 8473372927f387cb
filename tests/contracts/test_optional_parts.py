"""What nobody asked for is not loaded."""

import subprocess
import sys

LOADED = """
import sys
from scripts.specs import openapi_json
assert openapi_json()
print(*(name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))))
"""


def test_without_traces_their_packages_stay_on_the_disk() -> None:
    finished = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=False
    )

    assert (finished.returncode, finished.stdout.strip()) == (0, ""), finished.stderr
