"""When each person's bucket is full again: a table in a file that all workers of one host map."""

import fcntl
import mmap
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self
from uuid import UUID

# In the machine's own layout, so that a time is one word of memory: who is killed leaves no half of it.
_SLOT = struct.Struct("16sQ")
_GROUP_BYTES = 8 * _SLOT.size
_GROUPS = 8_192
_TABLE_BYTES = _GROUPS * _GROUP_BYTES


class BucketTable:
    """The buckets of everybody whose bucket is not full.

    An id leads to a group of eight slots. Who has none of them yet gets the one that is full soonest. A full
    bucket is as good as none, so that takes nothing from anybody until nine of a group are busy at once; then
    the least busy of them has a full one too early.
    """

    def __init__(self, file: BinaryIO, table: mmap.mmap) -> None:
        self._descriptor = file.fileno()
        self._table = table

    def held(self, person: UUID) -> "Bucket":
        """Give a person's bucket to change; other processes wait meanwhile, so never await anything.

        The lock is between processes. Within one, use the table from one thread.
        """
        return Bucket(self._descriptor, self._table, person.bytes)


class Bucket:
    """One person's: when it is full, in nanoseconds of the host's monotonic clock; 0 if never used."""

    # No generator that yields: each request comes by here.
    __slots__ = ("_at", "_descriptor", "_key", "_start", "_table", "full_at")

    def __init__(self, descriptor: int, table: mmap.mmap, key: bytes) -> None:
        self._descriptor = descriptor
        self._table = table
        self._key = key
        self._start = zlib.crc32(key) % _GROUPS * _GROUP_BYTES

    def __enter__(self) -> Self:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX, _GROUP_BYTES, self._start)
        group = self._table[self._start : self._start + _GROUP_BYTES]
        offset = group.find(self._key)
        # What looks like the key across two slots, and is not, is told by where it stands.
        if offset % _SLOT.size:
            offset = _calmest(self._key, group)
        self._at = self._start + offset
        owner, full_at = _SLOT.unpack_from(group, offset)
        self.full_at = full_at if owner == self._key else 0
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            _SLOT.pack_into(self._table, self._at, self._key, self.full_at)
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, _GROUP_BYTES, self._start)


def _calmest(key: bytes, group: bytes) -> int:
    # Its own if it has one after all, else the one that is full soonest.
    slots = list(_SLOT.iter_unpack(group))
    return _SLOT.size * min(range(len(slots)), key=lambda number: (slots[number][0] != key, slots[number][1]))


@contextmanager
def open_buckets(path: Path | None) -> Iterator[BucketTable]:
    """Map the table, made by whoever comes first; without a path, one that nobody else shares."""
    with tempfile.TemporaryFile() if path is None else path.open("a+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        try:
            # Written, not only stretched: a full disk is told here, not by the end of a worker later.
            file.write(bytes(_TABLE_BYTES - os.fstat(file.fileno()).st_size))
            file.flush()
        finally:
            fcntl.lockf(file, fcntl.LOCK_UN)
        with mmap.mmap(file.fileno(), _TABLE_BYTES) as table:
            yield BucketTable(file, table)
