"""The parts that are built and not written: whether they are there."""

from importlib.resources import files

from todo.problems import CannotStart

_PARTS = ("auth/bundle/server.mjs", "web/index.html", "web/docs.html")


def require_parts() -> None:
    """Raise `CannotStart` when something has not been built."""
    for part in _PARTS:
        if not (files("todo") / part).is_file():
            raise CannotStart(f"{part} is missing: run `make build`, or install the package anew.")
