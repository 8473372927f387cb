"""How the application's code is loaded while the database comes up."""

import subprocess
import sys

_STOPPED_AT_ONCE = """\
import sys
from todo.serve.workers import loading_early

with loading_early():
    pass
print(hasattr(sys.modules.get("todo.app"), "create_app"))
"""


def test_an_early_stop_lets_the_loading_end_before_python_does() -> None:
    finished = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", _STOPPED_AT_ONCE], capture_output=True, text=True, check=True
    )

    assert finished.stdout == "True\n"
