"""Small files that must survive a power cut, and what a storage error means for the log.

Knows nothing of records. A rename is only durable once the directory itself was synced.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from swerve.errors import LogFailed, StorageFull

_FULL_ERRNO = (errno.ENOSPC, errno.EDQUOT)
# The shared-memory index is extended before a commit is written: when that fails nothing was stored.
_FULL_SQLITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


def sync_directory(directory: Path) -> None:
    """Make creations, renames and removals in `directory` durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_file(path: Path) -> None:
    """Make the content of a file that is not open elsewhere durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_durably(path: Path, *parts: bytes) -> None:
    """Replace `path` as a whole: after a crash it holds either the old content or the new one."""
    passing = path.with_name(path.name + ".new")
    with passing.open("wb", buffering=0) as file:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[file.write(view) :]
        os.fsync(file.fileno())
    os.replace(passing, path)
    sync_directory(path.parent)


def storage_error(error: sqlite3.Error | OSError, doing: str) -> StorageFull | LogFailed:
    """A full disk is an answer (try later); everything else means that nothing written so far can be trusted."""
    if isinstance(error, OSError):
        full = error.errno in _FULL_ERRNO
    else:
        code = getattr(error, "sqlite_errorcode", 0)
        full = code in _FULL_SQLITE or (code & 0xFF) == sqlite3.SQLITE_FULL
    if full:
        return StorageFull(f"the disk is full: {doing} stored nothing", field="log")
    return LogFailed(f"{doing} failed: {error}", field="log")
