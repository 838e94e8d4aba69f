"""A backup: the log as of one moment, and the small files that give it meaning."""

from __future__ import annotations

import shutil
from pathlib import Path

from swerve.errors import InvalidInput
from swerve.log.sqlite import SqliteLog
from swerve.protocols import EventLog

SETTINGS = ("swerve.toml", "models")
"""What goes along with the log. Snapshots and vectors are derived; keys stay where they are."""


def back_up(directory: Path | None, log: EventLog, to: Path) -> Path:
    """Copy a project into the new directory `to`. Raises InvalidInput when `to` is not empty or nothing is on disk."""
    if directory is None or not isinstance(log, SqliteLog):
        raise InvalidInput("this engine keeps its log in memory: there is nothing to back up", field="to")
    if to.exists() and any(to.iterdir()):
        raise InvalidInput("expected a new or an empty directory", field="to")
    to.mkdir(parents=True, exist_ok=True)
    for name in SETTINGS:
        source = directory / name
        if source.is_dir():
            shutil.copytree(source, to / name)
        elif source.exists():
            shutil.copy2(source, to / name)
    log.backup(to)
    return to
