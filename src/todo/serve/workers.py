"""The processes that answer requests: one in this process, or several that it watches."""

import functools
import gc
import multiprocessing
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from todo.problems import CannotStart
from todo.serve.http_server import ConsiderateServer
from todo.serve.logs import configure_logging
from todo.serve.metrics import forget_worker
from todo.serve.protocol import PunctualHttpProtocol
from todo.settings import Settings, Wiring

if TYPE_CHECKING:
    from fastapi import FastAPI

_DRAIN_SECONDS = 15
_LOADING_SECONDS = 60
_BACKLOG = 2048
_NEW_OBJECTS_PER_COLLECTION = 10_000
_MOST_OPEN_FILES = 65_536
# What it sends to every process at once. Workers inherit that it is held back: it would break them off, and
# their parent stops them.
_OF_THE_TERMINAL = (signal.SIGINT, signal.SIGHUP)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take the port before anything else, so that one in use is found at once."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such host"
        raise CannotStart(
            f"Cannot listen on {host} port {port} ({reason}): "
            "stop what uses it, or set TODO_HOST and TODO_PORT to something else."
        ) from error
    with listener:
        listener.listen(_BACKLOG)
        yield listener


def allow_many_connections() -> None:
    """Raise the usual limit of 1,024 open files as far as is allowed: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # Some systems name a limit that they do not grant.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def loading_early() -> Iterator[None]:
    """Load the application's code beside the block, which waits for other things: it is half of a start."""
    loading = threading.Thread(target=_application)
    loading.start()
    try:
        yield
    finally:
        # Python's end would break into the compiled code that is being loaded, and be aborted by it.
        loading.join()


def run_workers(settings: Settings, wiring: Wiring, listener: socket.socket) -> bool:
    """Serve until told to stop, then finish the requests in flight; false if it never came to serving."""
    config = uvicorn.Config(
        functools.partial(_worker_app, settings, wiring),
        factory=True,
        lifespan="on",
        http=PunctualHttpProtocol,
        # Believed from anybody else, the header would let a caller choose where they come from.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        access_log=False,
        log_config=None,
        workers=settings.workers,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    if settings.workers == 1:
        server = ConsiderateServer(config)
        server.run(sockets=[listener])
        return server.started
    several = _Workers(config, sockets=[listener])
    several.run()
    return several.was_stopped


class _Worker(Process):
    """A process that answers requests."""

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = ConsiderateServer(self.config)
        return self._server


class _Workers(Multiprocess):
    """Several workers; the end of the terminal ends them, instead of replacing them one by one."""

    was_stopped = False

    def init_processes(self) -> None:
        self.processes = [self._started() for _ in range(self.processes_num)]

    def keep_subprocess_alive(self) -> None:
        for index, worker in enumerate(self.processes):
            # The worker's end: open here too, it would hide the death of one that is being asked if it lives.
            worker.child_conn.close()
            if self.should_exit.is_set() or worker.is_alive(timeout=_LOADING_SECONDS):
                continue
            worker.kill()
            worker.join()
            forget_worker(worker.pid)
            if worker.exitcode == STARTUP_FAILURE:
                # Another one would fail as well.
                self.should_exit.set()
            else:
                self.processes[index] = self._started()

    def handle_int(self) -> None:
        self.handle_term()

    def handle_hup(self) -> None:
        self.handle_term()

    def handle_term(self) -> None:
        self.was_stopped = True
        for listener in self.sockets:
            # Else who calls now would be held until the last request is done, and then be cut off.
            listener.close()
        super().handle_term()

    def _started(self) -> Process:
        worker = _Worker(self.config, self.sockets)
        # Started within, it would let through again what is held back here.
        resource_tracker.ensure_running()
        held_before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_THE_TERMINAL)
        try:
            worker.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held_before)
        return worker


def _worker_app(settings: Settings, wiring: Wiring) -> "FastAPI":
    configure_logging(settings, traces=wiring.traces)
    gc.set_threshold(_NEW_OBJECTS_PER_COLLECTION)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.join,), daemon=True).start()
    app = _application()(wiring)
    _keep_for_good()
    if settings.architect:
        from todo.architect.tools import add_architect  # noqa: PLC0415  # its packages are an extra

        add_architect(app.state.mcp)
    return app


def _keep_for_good() -> None:
    """Have the garbage collector pass over the application: it stays, and looking through it stalls."""
    gc.collect()
    gc.freeze()


def _application() -> "Callable[[Wiring], FastAPI]":
    from todo.app import create_app  # noqa: PLC0415  # loaded beside the start of the database, see loading_early

    return create_app


def _end_with(wait_for_parent: Callable[[], object]) -> None:
    """End by itself when the parent was killed: an orphan would keep the port from the next start."""
    wait_for_parent()
    os.kill(os.getpid(), signal.SIGTERM)
