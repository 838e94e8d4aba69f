"""Keeps derived state in step with the log: recovers it at the start, saves snapshots so that this stays quick."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from swerve import snapshot
from swerve.config.engine import EngineConfig
from swerve.derived import Derived
from swerve.errors import InvalidInput
from swerve.log.memory import MemoryLog
from swerve.log.sqlite import SqliteLog
from swerve.protocols import EventLog
from swerve.types import Record

SETTINGS = "settings"
"""Part of a snapshot that says what it was folded under."""
CHUNK = 8192
"""Records folded at once while nothing is served yet."""


class Recovered(NamedTuple):
    """What a start found."""

    saved: int
    """Offset of the snapshot that was used; 0 = none."""
    reports: tuple[str, ...]
    """What the operator should know."""


def recover(derived: Derived, log: EventLog, directory: Path | None) -> Recovered:
    """Load the newest whole snapshot and fold the rest of the log."""
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
    saved = derived.offset
    records = log.read(saved)
    chunk = list(islice(records, CHUNK))
    if chunk and chunk[0].offset > saved:
        reports.append(f"the log begins at offset {chunk[0].offset}: what came before it and is in no snapshot is gone")
    while chunk:
        derived.apply(chunk, chunk=CHUNK)
        chunk = list(islice(records, CHUNK))
    return Recovered(saved, tuple(reports))


class Keeper:
    """Saves a snapshot when enough was folded since the last one, and lets the log drop what no snapshot needs."""

    def __init__(
        self, derived: Derived, log: SqliteLog | MemoryLog, directory: Path | None, config: EngineConfig, saved: int
    ) -> None:
        self._derived = derived
        self._log = log
        self._directory = directory
        self._config = config
        self.saved = saved
        """Offset of the newest snapshot."""

    def folding(self, records: Sequence[Record]) -> None:
        """What the writer calls with every committed group: fold it, and save when a snapshot is due."""
        self._derived.apply(records)
        if self.due:
            self.save()

    @property
    def due(self) -> bool:
        """Whether enough was folded since the last snapshot."""
        return self._directory is not None and self._derived.offset - self.saved >= self._config.snapshot_every

    def save(self) -> int:
        """Save now, on the thread that folds; returns the offset. Everything below it need not be replayed."""
        if self._directory is not None and self._derived.offset > self.saved:
            parts = {**self._derived.dump(), SETTINGS: self._derived.settings}
            snapshot.save(self._directory, self._derived.offset, parts, self._config.snapshots)
            # Only what the snapshot before this one holds may go: if this one is damaged, that one starts the replay.
            self._log.retain(self.saved)
            self.saved = self._derived.offset
        return self.saved
