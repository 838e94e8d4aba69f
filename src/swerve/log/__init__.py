"""Events to offsets and back: the only truth. Everything else in the process is derived from what is here.

`open_log` picks the backend, `GroupWriter` is the one thread that appends, `examine` and `repair` are the doctor.
"""

from __future__ import annotations

from pathlib import Path

from swerve.log.config import LogConfig
from swerve.log.doctor import examine, repair
from swerve.log.lock import DirectoryLock
from swerve.log.memory import MemoryLog
from swerve.log.recovery import Finding
from swerve.log.sqlite import SqliteLog
from swerve.log.writer import GroupWriter
from swerve.protocols import Clock

__all__ = [
    "DirectoryLock",
    "Finding",
    "GroupWriter",
    "LogConfig",
    "MemoryLog",
    "SqliteLog",
    "examine",
    "open_log",
    "repair",
]


def open_log(directory: Path, config: LogConfig, clock: Clock) -> SqliteLog | MemoryLog:
    """The log of the project at `directory` in the configured backend. Raises what opening it raises."""
    return MemoryLog(config, clock) if config.backend == "memory" else SqliteLog(directory, config, clock)
