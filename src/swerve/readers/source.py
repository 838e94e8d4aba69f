"""What reading gives: a `Source` of parts, each a stream of chunks of events with the lines they came from.

A source can be read again from the start as often as wanted and gives the same events each time; that, and a
fingerprint of its content, is all that resuming needs. Nothing here knows of files or formats.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from swerve.types import Event, Rejection

CHUNK = 2_000
"""Events in one chunk: large enough to amortise a commit, small enough to keep memory flat (about 1 MB)."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive events of one part. The two lists have one length."""

    events: list[Event | Rejection]
    """A `Rejection` stands where a line could not be read as an event; its `index` is the place in this chunk."""
    lines: list[int]
    """1-based line (or row) of `origin` that each event came from."""
    origin: str
    """Name of the file or frame, for reports."""

    def __len__(self) -> int:
        return len(self.events)

    def after(self, n: int) -> Chunk:
        """The same chunk without its first `n` events."""
        return Chunk(self.events[n:], self.lines[n:], self.origin)


@dataclass(frozen=True)
class Part:
    """One file or frame of a source, and what was understood of it."""

    name: str
    kind: str
    """`items`, `users`, `interactions` or `events`."""
    read: Callable[[], Iterator[Chunk]]
    count: int = -1
    """Expected number of events; an estimate unless the format says it. -1 = unknown."""
    columns: dict[str, str] = field(default_factory=dict)
    """Target -> column it is read from (`:=x` for a constant)."""
    guessed: bool = False
    """True when nobody gave the columns: they were guessed by name and should be shown to the user."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Everything one import reads, in order: items and users first, then interactions."""

    name: str
    form: str
    """Recognised format, e.g. `movielens-latest`, `csv`, `jsonl`, `parquet`, `frame`."""
    parts: tuple[Part, ...]
    fingerprint: str
    """16 hex digits of the content and of how it is read: equal means the same events in the same order."""

    @property
    def count(self) -> int:
        """Expected number of events over all parts, -1 when a part does not know."""
        counts = [part.count for part in self.parts]
        return -1 if min(counts, default=-1) < 0 else sum(counts)

    def chunks(self, start: int = 0) -> Iterator[Chunk]:
        """All events from the `start`-th on (0 = first), counting refused lines too."""
        skip = start
        for part in self.parts:
            for chunk in part.read():
                if skip >= len(chunk):
                    skip -= len(chunk)
                    continue
                yield chunk.after(skip) if skip else chunk
                skip = 0

    def events(self) -> Iterator[Event | Rejection]:
        """All events one by one."""
        for chunk in self.chunks():
            yield from chunk.events

    def describe(self) -> list[str]:
        """What was understood, as lines to show before an import."""
        lines = [f"{self.name}: {self.form}"]
        for part in self.parts:
            how = "guessed by name" if part.guessed else "as given"
            count = f", about {part.count:,} events" if part.count >= 0 else ""
            lines.append(f"  {part.name}: {part.kind}{count}")
            if part.columns:
                mapping = ", ".join(f"{target}={column}" for target, column in part.columns.items())
                lines.append(f"    columns {how}: {mapping}")
            lines.extend(f"    {note}" for note in part.notes)
        return lines


def from_events(
    name: str, read: Callable[[], Iterable[Event | Rejection]], *, fingerprint: str = "", count: int = -1
) -> Source:
    """A source from any callable that iterates events: the door for a reader of your own.

    `read()` must give the same events in the same order each time it is called. `fingerprint` should change when
    the content does; it defaults to the name, so an import of a changed file under the same name must say so.
    """

    def chunks() -> Iterator[Chunk]:
        events, at = iter(read()), 1
        while block := list(islice(events, CHUNK)):
            yield Chunk(block, list(range(at, at + len(block))), name)
            at += len(block)

    mark = fingerprint or digest([name.encode()])
    return Source(name, "events", (Part(name, "events", chunks, count),), mark)


def digest(parts: Iterable[bytes]) -> str:
    """16 hex digits over `parts`; the length of each counts too, so moving a boundary changes it."""
    hasher = hashlib.blake2b(digest_size=8)
    for part in parts:
        hasher.update(len(part).to_bytes(8, "little"))
        hasher.update(part)
    return hasher.hexdigest()
