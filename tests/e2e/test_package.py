"""The package: what `pip install .` brings."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_brings_everything_that_serving_needs(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    built = subprocess.run(  # noqa: S603  # our own tool
        [uv, "build", "--wheel", "--out-dir", tmp_path, ROOT], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr

    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {
        "todo/cli.py",
        "todo/auth/bundle/server.mjs",
        "todo/web/index.html",
        "todo/web/docs.html",
        "todo/web/swagger-ui-bundle.js",
        "todo/migrations/env.py",
        "todo/migrations/versions/2026_11_23_users_and_todos.py",
    } <= names
