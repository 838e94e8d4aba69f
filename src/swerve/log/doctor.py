"""What is wrong with a log, in words, and mending it without deleting anything.

`examine` only reads. `repair` copies every file it is about to replace into `log/quarantine/<n>/`, saves each record
whose own checksum still fits, and leaves a tombstone in the place of each one that is lost, so offsets stay
gap-free and everything derived from the log can be rebuilt from what is left.
"""

from __future__ import annotations

from pathlib import Path

from swerve.log.lock import LOCK, DirectoryLock
from swerve.log.mending import finish, mend
from swerve.log.recovery import LOG, Finding, survey


def examine(directory: Path) -> list[Finding]:
    """Everything that is not as it should be in the log of the project at `directory`, in log order; empty = sound.

    Raises DirectoryInUse while a process has the project open, SwerveError (`newer_format`) for a newer log.
    """
    lock = DirectoryLock(directory / LOCK)
    try:
        return list(survey(directory / LOG).findings)
    finally:
        lock.release()


def repair(directory: Path) -> list[Finding]:
    """Make the log of the project at `directory` openable; the findings name exactly the offsets that are lost.

    A sound log is left as it is. Raises what `examine` raises, and OSError or sqlite3.Error when mending fails (it
    can be started again).
    """
    lock = DirectoryLock(directory / LOCK)
    try:
        folder = directory / LOG
        finish(folder)
        found = survey(folder)
        if found.findings:
            mend(folder, found)
        return list(found.findings)
    finally:
        lock.release()
