"""How far an import came: a position file, and marks in the log that say which lines each batch held.

Marks are `event_id`s, one for each batch: `import-<fingerprint>-<run>-<first>-<stop>`. As a batch commits whole, a
mark in the log proves that its lines are there. The position file says from which offset on to look for marks; it is
written before the first batch and now and then after, so it may lag, and the marks make up for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import msgspec

from swerve.errors import SwerveError
from swerve.types import Record

Range: TypeAlias = tuple[int, int]
"""Events first <= k < stop of a source; stop -1 = to the end."""


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an import of one source stands."""

    fingerprint: str
    name: str
    """Name of the source, for people."""
    run: int = 0
    """Counts up each time a finished source is imported again."""
    done: int = 0
    """Events of the source that are settled: all before this one."""
    offset: int = 0
    """Log offset behind everything settled: marks of later batches lie from here on."""
    finished: bool = False

    def mark(self, first: int, stop: int) -> str:
        """The `event_id` that proves events first <= k < stop of this run."""
        return f"{self._prefix}{first}-{stop}"

    def line_id(self, at: int) -> str:
        """The `event_id` of the event at place `at`, for an import in which every event has one."""
        return f"{self._prefix}{at}"

    def missing(self, records: Iterable[Record]) -> list[Range]:
        """What is still to be read, in order, given the log from `offset` on; the last range goes to the end.

        A gap between marks is a batch that failed, or one whose events were all refused; reading it again stores
        the first and refuses the second once more.
        """
        keys = (record.event.event_id for record in records)
        marks = (key.removeprefix(self._prefix).split("-") for key in keys if key.startswith(self._prefix))
        missing: list[Range] = []
        at = self.done
        for first, stop in sorted((int(mark[0]), int(mark[1])) for mark in marks if len(mark) == 2):
            if first > at:
                missing.append((at, first))
            at = max(at, stop)
        return [*missing, (at, -1)]

    @property
    def _prefix(self) -> str:
        return f"import-{self.fingerprint}-{self.run}-"


def load(folder: Path, fingerprint: str) -> Position | None:
    """The position of a source, None when it was never begun. Raises SwerveError for a damaged file."""
    path = folder / f"{fingerprint}.json"
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Position)
    except msgspec.DecodeError as error:
        message = f"{path} is damaged: delete it to import from the start, but what was imported is then there twice"
        raise SwerveError(message, field="imports", code="position_damaged") from error


def save(folder: Path, position: Position) -> None:
    """Write the position durably: whole or not at all, and on disk when this returns."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{position.fingerprint}.json"
    fresh = path.with_suffix(".new")
    with open(fresh, "wb") as file:
        file.write(msgspec.json.encode(position))
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def others(folder: Path, position: Position) -> list[Position]:
    """Positions of other sources of the same name: the same file before it changed, or read in another way."""
    fingerprints = [path.stem for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []
    known = (load(folder, fingerprint) for fingerprint in fingerprints if fingerprint != position.fingerprint)
    return [other for other in known if other is not None and other.name == position.name]
