"""Programs of the operating system that some tests need; Debian's packages fill in where one is missing."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import fasteners
import pytest

_LONGEST_SECONDS = 600
_QUIETLY = {"DEBIAN_FRONTEND": "noninteractive"}


def find_or_install(program: str, package: str, *, otherwise: str = "") -> Path:
    """Give the program, installed now if need be.

    Where it cannot be, the one named `otherwise` will do; without that, skip and say why in the summary.
    """
    # One at a time: tests may run in several processes, and apt-get lets only one of them in.
    with fasteners.InterProcessLock(Path(tempfile.gettempdir()) / "todo-tests-apt-get.lock"):
        hindrance = "" if shutil.which(program) else _install(package)
    found = shutil.which(program) or shutil.which(otherwise)
    if found is None:
        pytest.skip(hindrance or f"{program} is not here, though Debian's package {package} is installed")
    return Path(found)


def _install(package: str) -> str:
    """Install it, or give what hinders that."""
    apt_get = shutil.which("apt-get")
    if apt_get is None or os.geteuid() != 0:
        return f"{package} is not installed, and only root can do that, on Debian: apt-get install {package}"
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", package]):
        finished = subprocess.run(  # noqa: S603  # the system's own program
            [apt_get, "--quiet", *arguments],
            env={**os.environ, **_QUIETLY},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
        if finished.returncode:
            reason = (finished.stderr.strip() or finished.stdout.strip()).splitlines()[-1:]
            return f"{package} cannot be installed: {' '.join(reason)}"
    return ""
