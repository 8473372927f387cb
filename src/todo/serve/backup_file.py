"""The file of a backup: a tar of a manifest, PostgreSQL's dump, and perhaps the secret."""

import hashlib
import hmac
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from todo.database.census import Census
from todo.problems import CannotStart

_MANIFEST = "manifest.json"
_DUMP = "database.dump"
_SECRET = "secret"  # noqa: S105  # the name of a file
_FOR_OWNER_ONLY = 0o600


class Manifest(BaseModel):
    """What a restore needs to know before it begins, and to judge what came of it."""

    format: Literal[1] = 1
    version: str
    made_at: datetime
    server: str
    revision: str
    secret_fingerprint: str
    dump_sha256: str
    tables: Census

    @property
    def rows(self) -> int:
        """How many rows there are in all tables."""
        return sum(table.rows for table in self.tables.values())


@dataclass(frozen=True)
class Backup:
    """A backup file, taken apart and found whole."""

    manifest: Manifest
    dump: Path
    secret: bytes | None = field(repr=False)


def fingerprint(secret: bytes) -> str:
    """Name a secret without telling it."""
    return hmac.digest(secret, b"backup", hashlib.sha256).hex()[:16]


def sha256_of(file: Path) -> str:
    """Give the digest of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def write_backup(file: Path, backup: Backup) -> None:
    """Write the file, for its owner alone to read, and see it onto the disk."""
    file.touch(mode=_FOR_OWNER_ONLY)
    with file.open("wb") as output, tarfile.open(fileobj=output, mode="w") as tar:
        _add(tar, backup, _MANIFEST, backup.manifest.model_dump_json(indent=2).encode())
        if backup.secret:
            _add(tar, backup, _SECRET, backup.secret)
        tar.add(backup.dump, _DUMP, filter=_anonymous)
        tar.close()
        output.flush()
        os.fsync(output.fileno())


@contextmanager
def open_backup(file: Path, scratch: Path | None = None) -> Iterator[Backup]:
    """Take a backup file apart until the block ends, in the folder `scratch` or where temporary files go.

    Raises `CannotStart` when it is not whole, or no backup of this product or of this version of it.
    """
    with tempfile.TemporaryDirectory(prefix="todo-", dir=scratch) as folder:
        dump = Path(folder) / _DUMP
        try:
            with tarfile.open(file, "r:") as tar:
                manifest = Manifest.model_validate_json(_content(tar, _MANIFEST).read())
                secret = _content(tar, _SECRET).read() if _SECRET in tar.getnames() else None
                with dump.open("wb") as output:
                    shutil.copyfileobj(_content(tar, _DUMP), output)
        except (tarfile.TarError, KeyError, ValueError) as error:
            raise CannotStart(
                f"{file} is no whole backup of this product, or one of a newer version: take another."
            ) from error
        except OSError as error:
            raise CannotStart(f"Cannot read {file} ({error.strerror}).") from error
        if sha256_of(dump) != manifest.dump_sha256:
            raise CannotStart(f"The dump in {file} is not the one that was written: take another backup.")
        yield Backup(manifest, dump, secret)


def _add(tar: tarfile.TarFile, backup: Backup, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = _FOR_OWNER_ONLY
    member.mtime = int(backup.manifest.made_at.timestamp())
    tar.addfile(member, io.BytesIO(content))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = _FOR_OWNER_ONLY
    return member


def _content(tar: tarfile.TarFile, name: str) -> io.BufferedReader:
    content = tar.extractfile(name)
    if not isinstance(content, io.BufferedReader):
        raise KeyError(name)
    return content
