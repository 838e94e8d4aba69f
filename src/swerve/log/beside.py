"""Reading a log without opening the project: beside the process that writes it, or of one that nobody has open.

Takes no lock and mends nothing. What it reads is verified as ever, and a prefix of the log: everything that was
acknowledged when `end` was asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from swerve.errors import LogDamaged, SwerveError
from swerve.log import reader, segment, watermark
from swerve.log.recovery import LOG
from swerve.types import Record


def end(directory: Path) -> int:
    """The offset after the last record of the project at `directory`; 0 where there is no log.

    Raises LogDamaged when acknowledged records are missing at the end.
    """
    folder = directory / LOG
    mark, _ = watermark.load(folder)  # first: what is acknowledged now can be read a moment later
    bases = segment.bases(folder)
    if not bases:
        return 0
    path = segment.path_of(folder, bases[-1])
    try:
        with closing(segment.open_reader(path, still=False)) as connection:
            last = connection.execute("SELECT max(offset) FROM records").fetchone()[0]
    except sqlite3.Error as error:
        raise reader.damaged(path, bases[-1], bases[-1], str(error)) from error
    found = bases[-1] if last is None else int(last) + 1
    if mark is not None and mark.acked > found:
        raise reader.damaged(path, found, mark.acked - 1, "acknowledged records are missing")
    return found


def records(directory: Path, stop: int) -> Iterator[Record]:
    """Records below `stop` (at most `end`) in order, from the first that is kept.

    Raises LogDamaged; SwerveError (`dropped`) when the process that writes the log drops segments meanwhile.
    """
    folder = directory / LOG
    for base, following in pairwise([*(base for base in segment.bases(folder) if base < stop), stop]):
        path = segment.path_of(folder, base)
        sealed = segment.read_seal(path) is not None
        try:
            for chunk in reader.rows(path, base, following, still=sealed):
                for offset, _, payload in chunk:
                    if payload:  # a repair leaves nothing in the place of a record that is lost
                        yield reader.record_of(offset, payload)
        except LogDamaged as error:
            if path.exists():
                raise
            words = f"{path.name} was dropped while it was read: start again"
            raise SwerveError(words, field="log", code="dropped") from error
