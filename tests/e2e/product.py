"""The product as people run it: `todo serve` in a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil

from tests.e2e.waiting import wait_until
from todo.database.embedded import EmbeddedPostgres
from todo.database.url import DatabaseUrl

TODO = Path(sysconfig.get_path("scripts")) / "todo"
_LONGEST_START_SECONDS = 90.0
_LONGEST_STOP_SECONDS = 40.0
_TEST_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_TEST_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_given_ports: set[int] = set()


@dataclass(frozen=True)
class Refusal:
    """How a start that was refused ended, and what it said besides its progress."""

    exit_code: int
    sentences: list[str]
    output: str


class Product:
    """One installation: a folder, a port, and everything that runs for it.

    `settings` are those of every start.
    """

    def __init__(
        self, folder: Path, *, port: int | None = None, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.folder = folder
        self._settings = settings
        self.data_dir = folder / "data"
        self.port = port or free_port()
        self._log = folder / f"output-{self.port}.txt"
        self._process: subprocess.Popen[bytes] | None = None
        self._known: set[psutil.Process] = set()

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def owner_url(self) -> DatabaseUrl:
        """Where the embedded database lets its owner in."""
        return EmbeddedPostgres(self.data_dir / "postgres").url

    @property
    def secret(self) -> str:
        return (self.data_dir / "secret").read_text(encoding="ascii")

    @property
    def output(self) -> str:
        """Everything it said, over all its starts."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def start(self, **environment: str) -> None:
        """Start it and wait until it says that it is ready."""
        self.launch(**environment)
        self.await_output("Ctrl-C stops it.")

    def ensure_started(self, **environment: str) -> None:
        """Start it unless it is running."""
        if self._process is None or self._process.poll() is not None:
            self.start(**environment)

    def launch(self, **environment: str) -> None:
        """Start it and do not wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._said_before = len(self.output)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                [TODO, "serve"],
                cwd=self.folder,
                env=self._environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_output(self, words: str) -> None:
        """Wait until it says this, counted from its last start."""
        wait_until(
            lambda: words in self.output[self._said_before :] or self._running().poll() is not None,
            f"{words!r} in the output",
            seconds=_LONGEST_START_SECONDS,
        )
        assert words in self.output[self._said_before :], f"it ended early:\n{self.output}"
        self.family()

    def refuse(self, **environment: str) -> Refusal:
        """Start it, expecting that it ends by itself."""
        self.launch(**environment)
        exit_code = self.wait()
        output = self.output[self._said_before :]
        sentences = [line for line in output.splitlines() if line and not line.endswith(" …")]
        return Refusal(exit_code, sentences, output)

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run another command on the same installation, whether it is serving or not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.run(  # noqa: S603  # our own program
            [TODO, *arguments],
            cwd=self.folder,
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_START_SECONDS,
            check=False,
        )

    def signal(self, number: signal.Signals, *, to_group: bool = False) -> None:
        """Send a signal to the parent, or as the terminal does, to its whole group."""
        self.family()
        if to_group:
            os.killpg(self.pid, number)
        else:
            self._running().send_signal(number)

    def wait(self) -> int:
        """Wait for the parent's end and give its exit code."""
        return self._running().wait(_LONGEST_STOP_SECONDS)

    def stop(self) -> int:
        """Stop it as an operator does, and give its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill_parent(self) -> None:
        """End the parent and leave it no time for anything."""
        self.signal(signal.SIGKILL)
        self.wait()

    def kill_everything(self) -> None:
        """End every process at once, as a power cut does."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.wait()
        self.await_end()

    def kill_auth_server(self) -> None:
        """End the Node child, and wait until it is gone."""
        child = self.auth_server()
        child.kill()
        wait_until(lambda: not _is_alive(child), "the auth server is gone")

    def await_end(self, *, seconds: float = 20.0) -> None:
        """Wait until nothing of it runs any more."""
        wait_until(lambda: not self.family(), f"all of {self.family()} ended", seconds=seconds)

    def close(self) -> None:
        """Leave nothing running, however the test ended."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.stop()
        self.kill_everything()

    def family(self) -> list[psutil.Process]:
        """Every living process that belongs to it, PostgreSQL's included."""
        self._known |= {process for process in self._descend() if _is_alive(process)}
        self._known = {process for process in self._known if _is_alive(process)}
        return sorted(self._known, key=lambda process: process.pid)

    def auth_server(self) -> psutil.Process:
        """Give the Node child."""
        return next(process for process in self.family() if _runs(process, "server.mjs"))

    def postgres(self) -> list[psutil.Process]:
        """Give PostgreSQL's processes, the postmaster first."""
        postmaster = self._postmaster()
        return [postmaster, *postmaster.children(recursive=True)] if postmaster else []

    def workers(self) -> list[psutil.Process]:
        """Give the processes that answer, when there are several."""
        return [process for process in self.family() if _runs(process, "--multiprocessing-fork")]

    def takers(self) -> list[psutil.Process]:
        """Give the processes that take connections in."""
        return self.workers() or [psutil.Process(self.pid)]

    def loaded(self) -> str:
        """Give what the parent has in memory, as its system names it."""
        return Path(f"/proc/{self.pid}/maps").read_text(encoding="utf-8")

    def listens(self, processes: Iterable[psutil.Process]) -> bool:
        """Whether any of these still takes connections in."""
        return any(_has_link(process, self.port, psutil.CONN_LISTEN) for process in processes)

    def is_connected(self, process: psutil.Process) -> bool:
        """Whether this process has taken in a connection that is still open."""
        return _has_link(process, self.port, psutil.CONN_ESTABLISHED)

    def _descend(self) -> Iterator[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            if self._process is not None and self._process.poll() is None:
                parent = psutil.Process(self._process.pid)
                yield from (parent, *parent.children(recursive=True))
        with suppress(psutil.NoSuchProcess):
            yield from self.postgres()

    def _postmaster(self) -> psutil.Process | None:
        with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
            cluster = self.data_dir / "postgres"
            process = psutil.Process(int((cluster / "postmaster.pid").read_text().splitlines()[0]))
            # The file may be stale and its number another program's by now.
            return process if _runs(process, str(cluster)) else None
        return None

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def _environment(self, chosen: dict[str, str]) -> dict[str, str]:
        # Whoever forbids Python to keep what it compiled makes every start compile everything anew.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TODO_") and name != "PYTHONDONTWRITEBYTECODE"
        }
        own = {"TODO_PORT": str(self.port), "TODO_DATA_DIR": str(self.data_dir), **self._settings}
        return {**inherited, **own, **chosen}


@contextmanager
def copied_product(
    installation: Path, folder: Path, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Product]:
    """Give a product on a copy of a stopped one's data, not started, and close it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = shutil.which("cp")
    assert copy
    # PostgreSQL's files keep their owner, which shutil would not do.
    subprocess.run([copy, "-a", installation / "data", folder / "data"], check=True)  # noqa: S603  # our own
    with closing(Product(folder, settings=settings)) as product:
        yield product


def free_port() -> int:
    """Give a port that nobody uses, neither in this process nor in another of this run."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
        # The kernel gives odd ones only.
        if port // 2 % _TEST_WORKERS == _TEST_WORKER and port not in _given_ports:
            _given_ports.add(port)
            return port


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _runs(process: psutil.Process, word: str) -> bool:
    with suppress(psutil.NoSuchProcess):
        return any(part.endswith(word) for part in process.cmdline())
    return False


def _has_link(process: psutil.Process, port: int, status: str) -> bool:
    with suppress(psutil.NoSuchProcess):
        links = process.net_connections(kind="tcp")
        return any(link.laddr.port == port and link.status == status for link in links)
    return False
