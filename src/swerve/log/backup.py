"""A copy of a live log: a consistent prefix of it, verified, that opens like any other."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from swerve.errors import LogDamaged
from swerve.log import segment, watermark
from swerve.log.files import sync_directory, sync_file
from swerve.log.recovery import survey
from swerve.log.watermark import Mark


def copy(source: Path, target: Path, sealed: Iterable[int], live: int) -> int:
    """Copy the segments at these bases from log folder `source` into the new folder `target`.

    Returns the offset after the last record copied. Raises LogDamaged when the copy does not verify, FileExistsError,
    OSError, sqlite3.Error.
    """
    target.mkdir(parents=True)
    for base in sealed:
        _copy_file(segment.path_of(source, base), target)
    _copy_live(segment.path_of(source, live), segment.path_of(target, live))
    sync_directory(target)
    found = survey(target)
    damage = found.of_kind("damage")
    if damage:
        raise LogDamaged(damage[0].what, segment=damage[0].segment, first=damage[0].first, last=damage[-1].last)
    watermark.store(target, Mark(first=found.parts[0].base, acked=found.end, own=found.own, serial=1))
    sync_directory(target.parent)
    return found.end


def _copy_file(path: Path, target: Path) -> None:
    for part in (path, segment.seal_path(path)):
        if part.exists():
            shutil.copyfile(part, target / part.name)
            sync_file(target / part.name)


def _copy_live(path: Path, target: Path) -> None:
    """Copy a segment that may be written meanwhile; what is committed at the start of the copy is in it."""
    with closing(segment.open_reader(path, still=False)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    sync_file(target)
