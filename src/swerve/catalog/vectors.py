"""Vectors by row: one file, mapped into memory, or plain memory when there is no directory.

Vectors are derived: whoever encodes items can make them again. So nothing here is synced on its own. After the
process dies they are all still there; after a power cut what was put since the last `flush` may be missing or old.
Who takes a snapshot flushes first, and after a crash puts the vectors of all items named behind that snapshot again.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

import numpy as np

from swerve.errors import ConfigError, InvalidInput, StorageFull
from swerve.types import Floats, Rows

_FIRST = 1024
_HEAD = struct.Struct("<8sI200s")
_MAGIC = b"SWVECT\x00\x01"
_HEAD_BYTES = 256
"""The head, filled up so that vectors start aligned for SIMD."""


class Vectors:
    """(capacity, dim) float32 by row, growing by doubling. One thread puts, any may get beside it."""

    def __init__(self, directory: Path | None, dim: int, name: str = "vectors") -> None:
        """`directory` is the project's; the file is `vectors/<name>.f32` in it, `name` being the encoder's.

        Raises ConfigError when that file holds vectors of another encoder, StorageFull when the disk is full.
        """
        if dim < 1:
            raise ConfigError("must be at least 1", field="encode.dim")
        self.dim = dim
        self.name = name
        self._fd = -1
        self._map: mmap.mmap | None = None
        self._array: Floats = np.zeros((0, dim), np.float32)
        if directory is None:
            self._reserve(_FIRST)
            return
        self._head = _head(dim, name)
        folder = directory / "vectors"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{name}.f32"
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @property
    def capacity(self) -> int:
        """Rows there is room for now."""
        return len(self._array)

    def put(self, rows: Rows, vectors: Floats) -> None:
        """Put vectors (n, dim) at rows (n,); zeros clear a row.

        Raises InvalidInput for another shape, a negative row or numbers that are not finite; StorageFull when growing
        finds no room on the disk: nothing was put then.
        """
        vectors = checked(rows, vectors, self.dim)
        if not len(rows):
            return
        top = int(rows.max()) + 1
        if top > self.capacity:
            self._reserve(max(top, 2 * self.capacity))
        self._array[rows] = vectors

    def get(self, rows: Rows) -> Floats:
        """(n, dim) copies of the vectors at rows (n,); zeros where none was ever put."""
        array = self._array
        known = (rows >= 0) & (rows < len(array))
        if known.all():
            return array[rows]
        found = np.zeros((len(rows), self.dim), np.float32)
        found[known] = array[rows[known]]
        return found

    def flush(self) -> None:
        """Write what was put to the disk; does nothing in memory. May take as long as the disk does."""
        if self._map is not None:
            self._map.flush()
            os.fsync(self._fd)

    def close(self) -> None:
        """Let go of the file; safe to call twice. Nothing can be put or got afterwards."""
        self._array = np.zeros((0, self.dim), np.float32)
        self._map = None  # unmapped as soon as nobody holds a view: closing it under a reader would crash
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        found = os.pread(self._fd, _HEAD.size, 0)
        if found.strip(b"\0") and found != self._head:
            raise ConfigError(f"{self._path.name} holds other vectors: delete it to encode again", field="encode")
        if not found.strip(b"\0"):
            os.ftruncate(self._fd, 0)  # new, or a crash came before the head: what follows it was never finished
        rows = (os.fstat(self._fd).st_size - _HEAD_BYTES) // (4 * self.dim)
        self._reserve(max(rows, _FIRST))
        os.pwrite(self._fd, self._head, 0)

    def _reserve(self, rows: int) -> None:
        if self._fd < 0:
            grown = np.zeros((rows, self.dim), np.float32)
            grown[: len(self._array)] = self._array
            self._array = grown
            return
        size = _HEAD_BYTES + 4 * self.dim * rows
        try:
            _allocate(self._fd, size)
            self._map = mmap.mmap(self._fd, size)
        except OSError as error:
            raise StorageFull("no room for vectors on the disk", field="encode") from error
        # Arrays on the old mapping keep it alive; both show the same bytes of the file.
        self._array = np.frombuffer(self._map, np.float32, offset=_HEAD_BYTES).reshape(rows, self.dim)


def checked(rows: Rows, vectors: Floats, dim: int) -> Floats:
    """Vectors as float32 (n, dim), one for each row. Raises InvalidInput for anything else."""
    vectors = np.asarray(vectors, np.float32)
    if vectors.shape != (len(rows), dim):
        raise InvalidInput(f"expected one vector of {dim} numbers for each row", field="vectors")
    if len(rows) and int(rows.min()) < 0:
        raise InvalidInput("expected rows >= 0", field="rows")
    if not np.isfinite(vectors).all():
        raise InvalidInput("expected finite numbers", field="vectors")
    return vectors


def _head(dim: int, name: str) -> bytes:
    encoded = name.encode()
    if not name or len(encoded) > 200 or "/" in name or "\0" in name or name.startswith("."):
        raise ConfigError("an encoder's name must be a plain file name of at most 200 bytes", field="encode")
    return _HEAD.pack(_MAGIC, dim, encoded)


def _allocate(fd: int, size: int) -> None:
    """Reserve blocks, not just length: a page of a sparse file that finds the disk full kills the process (SIGBUS)."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
        return
    at = os.fstat(fd).st_size
    while at < size:
        at += os.pwrite(fd, bytes(min(size - at, 2**20)), at)
