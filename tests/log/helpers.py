"""Records, batches and a clock to test the log with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from swerve.log import LogConfig, SqliteLog
from swerve.protocols import EventLog
from swerve.types import Appended, Batch, Interaction, Record

NOW_S = 1_700_000_000.0


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = NOW_S) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def record(
    item: str, event_id: str = "", *, received: float = NOW_S, action: str = "view", value: float = 1.0
) -> Record:
    """An interaction as the door hands it on."""
    event = Interaction(item=item, action=action, user="ann", value=value, event_id=event_id)
    return Record(event=event, received=received, time=received, gain=1.0)


def records(count: int, prefix: str = "i", *, ids: bool = False) -> tuple[Record, ...]:
    """`count` records that can be told apart by their item."""
    return tuple(record(f"{prefix}{place}", f"{prefix}{place}" if ids else "") for place in range(count))


def append(log: EventLog, *new: Record, atomic: bool = False) -> Appended:
    """Append one batch."""
    (answer,) = log.append([Batch(new, atomic)])
    return answer


def fill(log: EventLog, count: int, prefix: str = "i", *, ids: bool = False, group: int = 10) -> None:
    """Append `count` records in groups."""
    new = records(count, prefix, ids=ids)
    for start in range(0, count, group):
        append(log, *new[start : start + group])


def items(found: Iterable[Record]) -> list[str]:
    """The items of interactions."""
    return [one.event.item for one in found if isinstance(one.event, Interaction)]


def opened(directory: Path, clock: Clock | None = None, **settings: object) -> SqliteLog:
    """A log with these settings."""
    return SqliteLog(directory, LogConfig(**settings), clock or Clock())  # type: ignore[arg-type]


def files(directory: Path, ending: str) -> list[str]:
    """Names in the log folder that end like this, sorted."""
    return sorted(path.name for path in (directory / "log").iterdir() if path.name.endswith(ending))
