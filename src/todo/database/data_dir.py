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

    @property
    def secret_file(self) -> Path:
        """Where the installation's secret is kept, with the data it protects."""
        return self.path / "secret"

    def secret(self) -> bytes:
        """Give the installation's secret; made at first use."""
        if not self.secret_file.exists():
            self.keep_secret(new_secret())
        return self.secret_file.read_bytes()

    def keep_secret(self, secret: bytes) -> None:
        """Keep this secret, unless there is one already."""
        self.path.mkdir(parents=True, exist_ok=True)
        draft = self.path / f"secret.{os.getpid()}"
        draft.touch(mode=0o600)
        with draft.open("wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        # A link is refused when the name is taken, so the first of two starters wins for both.
        try:
            self.secret_file.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()


def new_secret() -> bytes:
    """Make a secret for an installation."""
    return secrets.token_urlsafe(32).encode()


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
