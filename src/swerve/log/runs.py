"""Sorted files of (key, offset) pairs: the resting form of the id index. Knows nothing of records or ids."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.log.files import write_durably

_HEADER = struct.Struct("<8sQQQdII")
_MAGIC = b"swerveI1"
Column = NDArray[np.uint64]


class Run(msgspec.Struct, frozen=True, eq=False):
    """Pairs from the records first <= offset < end. `keys` ascend; both columns are (n,) uint64, memory-mapped."""

    path: Path
    first: int
    end: int
    newest: float
    """No pair is younger than this, Unix seconds."""
    level: int
    """How often it was merged."""
    keys: Column
    offsets: Column

    def find(self, wanted: Column) -> Iterator[tuple[int, int]]:
        """(key, offset) for each of `wanted` (m,) that is here."""
        if not len(self.keys):
            return
        left = np.searchsorted(self.keys, wanted)
        left[left == len(self.keys)] = 0
        hit = self.keys[left] == wanted
        for key, place in zip(wanted[hit].tolist(), left[hit].tolist(), strict=True):
            at = place
            while at < len(self.keys) and self.keys[at] == key:
                yield key, int(self.offsets[at])
                at += 1


def name_of(folder: Path, first: int, end: int) -> Path:
    """Where the run over these offsets lives."""
    return folder / f"ids-{first:020d}-{end:020d}.run"


def write(path: Path, span: tuple[int, int], newest: float, level: int, pairs: tuple[Column, Column]) -> Run:
    """Sort `pairs` (keys, offsets) and keep them durably. Raises OSError."""
    keys, offsets = pairs
    order = np.argsort(keys, kind="stable")
    body = np.concatenate([keys[order], offsets[order]]).astype("<u8", copy=False).tobytes()
    blank = _HEADER.pack(_MAGIC, *span, len(keys), newest, level, 0)
    header = _HEADER.pack(_MAGIC, *span, len(keys), newest, level, crc32(body, crc32(blank)))
    write_durably(path, header, body)
    return _mapped(path, span, newest, level, len(keys))


def load(path: Path) -> Run | None:
    """The run in a file; None when the file is damaged. Raises OSError."""
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return None
        magic, first, end, count, newest, level, check = _HEADER.unpack(header)
        if magic != _MAGIC or path.stat().st_size != _HEADER.size + 16 * count:
            return None
        crc = crc32(_HEADER.pack(magic, first, end, count, newest, level, 0))
        while chunk := file.read(2**20):
            crc = crc32(chunk, crc)
    return _mapped(path, (first, end), newest, level, count) if crc == check else None


def merge(runs: Sequence[Run]) -> Run:
    """One run in the place of neighbours (first to last, without a gap), which are removed. Raises OSError."""
    span = (runs[0].first, runs[-1].end)
    pairs = (np.concatenate([run.keys for run in runs]), np.concatenate([run.offsets for run in runs]))
    path = name_of(runs[0].path.parent, *span)
    merged = write(path, span, max(run.newest for run in runs), runs[0].level + 1, pairs)
    for run in runs:
        run.path.unlink(missing_ok=True)
    return merged


def _mapped(path: Path, span: tuple[int, int], newest: float, level: int, count: int) -> Run:
    if count:
        columns = np.asarray(np.memmap(path, "<u8", "r", offset=_HEADER.size, shape=(2, count)))
    else:
        columns = np.empty((2, 0), "<u8")
    return Run(path, *span, newest, level, columns[0], columns[1])
