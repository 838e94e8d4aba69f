"""Keeps derived state in step with the log: recovers it at the start, saves snapshots so that this stays quick."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from swerve import snapshot
from swerve.derived import Derived
from swerve.errors import InvalidInput
from swerve.protocols import EventLog
from swerve.types import Record

SETTINGS = "settings"
"""Part of a snapshot that says what it was folded under."""
CHUNK = 8192
"""Records folded at once while nothing is served yet."""


def recover(derived: Derived, log: EventLog, directory: Path | None) -> list[str]:
    """Load the newest whole snapshot and fold the rest of the log; returns what the operator should know."""
    reports: list[str] = []
    if directory is not None:
        loaded = snapshot.load_latest(directory, log.head())
        reports += loaded.reports
        if loaded.parts and loaded.parts.get(SETTINGS) != derived.settings:
            reports.append(f"snapshot {loaded.offset} was folded under other settings: rebuilt from the log")
        elif loaded.parts:
            try:
                derived.load(loaded.parts, loaded.offset)
            except (InvalidInput, KeyError, ValueError) as error:
                what = f"snapshot {loaded.offset} cannot be read ({type(error).__name__}); delete it to rebuild"
                raise InvalidInput(what, field="snapshots") from error
    records = log.read(derived.offset)
    while chunk := list(islice(records, CHUNK)):
        derived.apply(chunk, chunk=CHUNK)
    return reports


class Keeper:
    """Saves a snapshot when enough was folded since the last one."""

    def __init__(self, derived: Derived, directory: Path | None, every: int, keep: int) -> None:
        self._derived = derived
        self._directory = directory
        self._every = every
        self._keep = keep
        self.saved = derived.offset
        """Offset of the newest snapshot."""

    def folding(self, records: Sequence[Record]) -> None:
        """What the writer calls with every committed group: fold it, and save when a snapshot is due."""
        self._derived.apply(records)
        if self.due:
            self.save()

    @property
    def due(self) -> bool:
        """Whether enough was folded since the last snapshot."""
        return self._directory is not None and self._derived.offset - self.saved >= self._every

    def save(self) -> int:
        """Save now, on the thread that folds; returns the offset. Everything below it need not be replayed."""
        if self._directory is not None and self._derived.offset > self.saved:
            parts = {**self._derived.dump(), SETTINGS: self._derived.settings}
            snapshot.save(self._directory, self._derived.offset, parts, self._keep)
            self.saved = self._derived.offset
        return self.saved
