"""From a source into an engine: batches in flight, what was refused, and going on where a killed import stopped.

Nothing is doubled by going on. The accepted part of a batch commits as one, so one event of each batch carries an
`event_id` that says which lines the batch holds (see `readers.resume`): the log itself then tells how far an import
came, at the price of one id in 2,000 events.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from swerve.engine import Engine
from swerve.errors import Overloaded
from swerve.events.door import Door
from swerve.readers.resume import Position, Range, load, save
from swerve.readers.source import CHUNK, Chunk, Source
from swerve.types import Ack, Event, Rejection

IN_FLIGHT = 4
"""Batches handed over and not yet acknowledged: one is read while others are written and folded."""
EXAMPLES = 5
"""Refused lines kept for each reason."""
_SAVE_S = 0.5
_WAIT_S = 0.02


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One line that was not taken. Never carries the line's content."""

    origin: str
    line: int
    code: str
    field: str
    message: str


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import is, for a progress bar."""

    done: int
    """Events read and settled, refused ones included, those of earlier runs too."""
    start: int
    """Where this run began."""
    total: int
    """Events expected in all, -1 = unknown; an estimate."""
    refused: int
    seconds: float
    """Since this run began."""

    @property
    def rate(self) -> float:
        """Events a second in this run."""
        return (self.done - self.start) / max(self.seconds, 1e-9)


class ImportReport(msgspec.Struct, kw_only=True):
    """What became of a source."""

    name: str
    resumed_at: int = 0
    """Events of earlier runs that were not read again; 0 = from the start."""
    accepted: int = 0
    """Events that are in the log because of this run."""
    duplicates: int = 0
    """Events whose `event_id` was there already."""
    refused: dict[str, int] = msgspec.field(default_factory=dict)
    """Code -> how many lines."""
    examples: dict[str, list[Refused]] = msgspec.field(default_factory=dict)
    """Code -> the first few lines."""
    seconds: float = 0.0
    complete_before: bool = False
    """True when this source had been imported to its end before, and nothing was done."""

    @property
    def total_refused(self) -> int:
        """Lines refused for any reason."""
        return sum(self.refused.values())

    @property
    def rate(self) -> float:
        """Events read a second."""
        return (self.accepted + self.duplicates + self.total_refused) / max(self.seconds, 1e-9)


class How(msgspec.Struct, frozen=True, kw_only=True):
    """How to import; the defaults are right for a file that is imported once."""

    batch: int = CHUNK
    """Events that commit together."""
    again: bool = False
    """True takes a source in once more that was imported to its end before."""
    idempotent: bool = False
    """True gives every event without one an `event_id`: repeats count once even if the position file is lost."""


_DEFAULT = How()


def run_import(
    engine: Engine,
    source: Source,
    *,
    positions: Path | None = None,
    how: How = _DEFAULT,
    progress: Callable[[Tick], None] = lambda tick: None,
    rejects: TextIO | None = None,
    timer: Callable[[], float] = time.perf_counter,
) -> ImportReport:
    """Take everything of `source` in and say what became of it.

    positions: folder of the position files, `<project>/imports`; None = cannot be resumed.
    rejects: gets one JSON line for each refused line of the source.
    Raises what reading raises (InvalidInput, MissingExtra) and what the engine raises (LogFailed, StorageFull); what
    was acknowledged until then stays, and the next call goes on from there.
    """
    position = load(positions, source.fingerprint) if positions is not None else None
    if position is not None and position.finished and not how.again:
        return ImportReport(name=source.name, resumed_at=position.done, complete_before=True)
    if position is None or position.finished:
        run = 0 if position is None else position.run + 1
        head = engine.status()["offset"]
        position = Position(fingerprint=source.fingerprint, name=source.name, run=run, offset=head)
    with _collecting_less():
        return _Import(engine, source, position, positions, how).run(progress, rejects, timer)


@contextmanager
def _collecting_less() -> Iterator[None]:
    """Hardly anything an import makes is cyclic: walking all of it again and again took a sixth of the time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Piece(msgspec.Struct, frozen=True):
    """One batch: events `first` <= k < `stop` of the source."""

    first: int
    stop: int
    origin: str
    events: list[Event]
    places: list[int]
    """Of each event in the source."""
    lines: list[int]
    """Of each event in its file."""
    refused: list[tuple[int, Rejection]]
    """(line, why) of what could not be read as an event."""


def _pieces(source: Source, todo: Sequence[Range], batch: int) -> Iterator[_Piece]:
    """The ranges of the source, at most `batch` events at once."""
    for first, stop in todo:
        at = first
        for chunk in source.chunks(first):
            for start in range(0, len(chunk), batch):
                if 0 <= stop <= at:
                    break
                end = min(start + batch, len(chunk), start + stop - at if stop >= 0 else len(chunk))
                yield _piece(chunk, start, end, at)
                at += end - start
            if 0 <= stop <= at:
                break


def _piece(chunk: Chunk, start: int, end: int, at: int) -> _Piece:
    """Events start <= k < end of a chunk, the first of which is at place `at` of the source."""
    good = [k for k in range(start, end) if not isinstance(chunk.events[k], Rejection)]
    refused = [
        (line, event)
        for line, event in zip(chunk.lines[start:end], chunk.events[start:end], strict=True)
        if isinstance(event, Rejection)
    ]
    return _Piece(
        first=at,
        stop=at + end - start,
        origin=chunk.origin,
        events=[chunk.events[k] for k in good],  # type: ignore[misc]
        places=[at + k - start for k in good],
        lines=[chunk.lines[k] for k in good],
        refused=refused,
    )


class _Import:
    """One run of one import."""

    def __init__(self, engine: Engine, source: Source, position: Position, folder: Path | None, how: How) -> None:
        self._engine = engine
        self._source = source
        self._position = position
        self._folder = folder
        self._how = how
        # Whether an event is taken does not depend on the time, so any clock will do to ask.
        self._door = Door(engine.config.events, lambda: 0.0)
        self._saved_at = float("-inf")

    def run(self, progress: Callable[[Tick], None], rejects: TextIO | None, timer: Callable[[], float]) -> ImportReport:
        """Read, submit, settle, until the source ends."""
        started = timer()
        todo = self._position.missing(self._engine.events(self._position.offset))
        at = todo[-1][0]
        report = ImportReport(name=self._source.name, resumed_at=at)
        # On disk before the first batch: from now on the log need not be searched from its beginning.
        self._save(timer(), force=True)
        waiting: deque[tuple[_Piece, Future[Ack]]] = deque()

        def settle() -> None:
            piece, answer = waiting.popleft()
            ack = answer.result()
            _count(report, piece, ack, rejects)
            if piece.first >= at:
                # Not while gaps are filled: the marks of what lies behind them must be found again until then.
                offset = max(self._position.offset, ack.offset + 1)
                self._position = msgspec.structs.replace(self._position, done=piece.stop, offset=offset)
            self._save(now := timer())
            total = self._source.count
            refused = report.total_refused
            progress(Tick(done=piece.stop, start=at, total=total, refused=refused, seconds=now - started))

        try:
            for piece in _pieces(self._source, todo, self._how.batch):
                waiting.append((piece, self._submit(piece, waiting, settle)))
                if len(waiting) > IN_FLIGHT:
                    settle()
            while waiting:
                settle()
        except BaseException:
            # What is on its way may still be stored: whoever goes on from here must find its marks.
            wait([answer for _, answer in waiting])
            raise
        self._position = msgspec.structs.replace(self._position, finished=True)
        self._save(timer(), force=True)
        report.seconds = timer() - started
        return report

    def _submit(
        self, piece: _Piece, waiting: Sequence[tuple[_Piece, Future[Ack]]], settle: Callable[[], None]
    ) -> Future[Ack]:
        events = self._marked(piece)
        while True:
            try:
                return self._engine.submit(events)
            except Overloaded:
                # The queue is bounded in bytes too: make room by waiting for what is in it.
                if waiting:
                    settle()
                else:
                    time.sleep(_WAIT_S)

    def _marked(self, piece: _Piece) -> list[Event]:
        """The events with the mark of this batch in one that will be taken, or an id in each of them."""
        events = piece.events
        if self._how.idempotent:
            keys = map(self._position.line_id, piece.places)
            return [
                event if event.event_id else msgspec.structs.replace(event, event_id=key)
                for event, key in zip(events, keys, strict=True)
            ]
        for k in range(len(events) - 1, -1, -1):
            # A mark in a refused event would be lost. An event with an id of its own needs none: it counts once.
            if not events[k].event_id and self._door.admit([events[k]]).records:
                events[k] = msgspec.structs.replace(events[k], event_id=self._position.mark(piece.first, piece.stop))
                break
        return events

    def _save(self, now: float, *, force: bool = False) -> None:
        if self._folder is not None and (force or now - self._saved_at >= _SAVE_S):
            save(self._folder, self._position)
            self._saved_at = now


def _count(report: ImportReport, piece: _Piece, ack: Ack, rejects: TextIO | None) -> None:
    report.accepted += ack.accepted
    report.duplicates += ack.duplicates
    told = [*piece.refused, *((piece.lines[rejection.index], rejection) for rejection in ack.rejected)]
    for line, why in sorted(told, key=lambda pair: pair[0]):
        refused = Refused(origin=piece.origin, line=line, code=why.code, field=why.field, message=why.message)
        report.refused[why.code] = report.refused.get(why.code, 0) + 1
        examples = report.examples.setdefault(why.code, [])
        if len(examples) < EXAMPLES:
            examples.append(refused)
        if rejects is not None:
            rejects.write(msgspec.json.encode(refused).decode() + "\n")
