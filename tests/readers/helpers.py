"""Small files to read, and short ways to look at what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from swerve.readers import ReadOptions, Source, detect
from swerve.types import Event, Interaction, Item, Rejection

RATINGS = "userId,movieId,rating,timestamp\n1,10,4.0,964982703\n1,30,3.5,964981247\n2,10,0.5,964982224\n"


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path, **options: Any) -> list[Event | Rejection]:
    return list(source(path, **options).events())


def source(path: Path, **options: Any) -> Source:
    return detect(path, ReadOptions(**options))


def interactions(events: list[Event | Rejection]) -> list[Interaction]:
    return [event for event in events if isinstance(event, Interaction)]


def items(events: list[Event | Rejection]) -> list[Item]:
    return [event for event in events if isinstance(event, Item)]


def refused(events: list[Event | Rejection]) -> list[Rejection]:
    return [event for event in events if isinstance(event, Rejection)]


def located(found: Source) -> list[tuple[int, str]]:
    """(line, code) of every refused line."""
    return [
        (line, event.code)
        for chunk in found.chunks()
        for line, event in zip(chunk.lines, chunk.events, strict=True)
        if isinstance(event, Rejection)
    ]
