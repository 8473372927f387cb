"""The folder where everything that must survive lives: the database, and the secret that goes with it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fasteners

from todo.problems import CannotStart


class DataDir:
    """One installation's data. Holds the lock while it is open, so that nobody else serves from it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def is_in_use(self) -> bool:
        """Whether a `todo serve` holds the folder."""
        lock = fasteners.InterProcessLock(self.path / "lock")
        if not self.path.exists() or lock.acquire(blocking=False):
            if lock.acquired:
                lock.release()
            return False
        return True

    @property
    def cluster(self) -> Path:
        """Where the embedded PostgreSQL keeps its files."""
        return self.path / "postgres"

    def secret(self) -> bytes:
        """Give the installation's secret; made at first use, then kept with the data it protects."""
        path = self.path / "secret"
        if not path.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            draft = self.path / f"secret.{os.getpid()}"
            draft.touch(mode=0o600)
            with draft.open("w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
                file.flush()
                os.fsync(file.fileno())
            # A link is refused when the name is taken, so the first of two starters wins for both.
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_bytes()


@contextmanager
def open_data_dir(path: Path) -> Iterator[DataDir]:
    """Create the folder if it is new and hold its lock; raises `CannotStart` when either is impossible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = fasteners.InterProcessLock(path / "lock")
        is_ours = lock.acquire(blocking=False)
    except OSError as error:
        raise CannotStart(
            f"Cannot write to the data folder {path} ({error.strerror}): set TODO_DATA_DIR to one you own."
        ) from error
    if not is_ours:
        raise CannotStart(f"Another `todo serve` is using {path}: stop it, or set TODO_DATA_DIR to another.")
    try:
        yield DataDir(path)
    finally:
        lock.release()
