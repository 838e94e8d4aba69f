"""What a log directory holds and whether that is everything it should hold. Reads only; opening and doctor act on it.

Three answers are kept apart: `damage` (something acknowledged cannot be read: refuse), `torn` (the end of the log was
never acknowledged and may go) and `note` (nothing is lost, but somebody should know).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from swerve.log import salvage, segment, watermark
from swerve.log.codec import BrokenChainError, Row, own_of, tombstone_own, walk
from swerve.log.watermark import Mark

LOG = "log"
"""Folder of a project that holds its log."""
TAIL = 10_000
"""Records of the last segment that are checked when opening with verify = "tail"."""


Kind: TypeAlias = Literal["damage", "torn", "note"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it should be."""

    kind: Kind
    segment: str
    """File the finding is about."""
    first: int = -1
    """First offset concerned; -1 = none."""
    last: int = -1
    """Last offset concerned."""
    lost: bool = False
    """True when no intact copy of these records was found."""
    what: str
    remedy: str = ""
    """What `swerve doctor --repair` (or opening, for `torn`) does about it."""


class Part(msgspec.Struct, frozen=True):
    """A segment as it was found."""

    base: int
    end: int
    """Offset after its last record."""
    own: int | None
    """Own checksum of its last record; None when that is not known."""
    seal: segment.Seal | None = None
    broken: bool = False
    """True when it has to be rebuilt before it can be used."""


class Survey(msgspec.Struct, frozen=True):
    """Everything known of a log directory."""

    mark: Mark
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]

    @property
    def end(self) -> int:
        """Offset after the last record."""
        return self.parts[-1].end if self.parts else self.mark.first

    @property
    def own(self) -> int:
        """Own checksum of the last record: what the next one links to."""
        last = self.parts[-1].own if self.parts else 0
        return tombstone_own(self.end - 1) if last is None else last

    def of_kind(self, kind: str) -> list[Finding]:
        """The findings of one kind, in log order."""
        return [finding for finding in self.findings if finding.kind == kind]


def survey(folder: Path, verify: str = "full") -> Survey:
    """Look at every file of the log in `folder`. Raises SwerveError (code `newer_format`), OSError."""
    mark, notes = watermark.load(folder)
    starts = segment.bases(folder)
    findings = [] if mark is None and not starts else [_note(note) for note in notes]
    if mark is not None:
        # What lies below the first offset was being dropped when the process died: opening finishes that.
        starts = [base for base, end in zip_longest(starts, starts[1:], fillvalue=segment.LAST) if end > mark.first]
    look = _Look(folder, verify, mark, findings)
    first = mark.first if mark is not None else (starts[0] if starts else 0)
    parts = look.over(first, starts)
    return Survey(mark=mark or Mark(first=first), parts=tuple(parts), findings=tuple(findings))


def _note(what: str) -> Finding:
    remedy = "a new watermark is written; acknowledged records missing from the end would not be noticed this once"
    return Finding(kind="note", segment=watermark.NAME, what=what, remedy=remedy)


class _Look:
    """One pass over the segments of a directory."""

    def __init__(self, folder: Path, verify: str, mark: Mark | None, findings: list[Finding]) -> None:
        self._folder, self._verify, self._mark, self._findings = folder, verify, mark, findings

    def over(self, first: int, starts: list[int]) -> list[Part]:
        """All parts in order; a missing segment is a broken part."""
        parts: list[Part] = []
        position, own = first, None
        for base, following in zip_longest(starts, starts[1:]):
            if base > position:
                parts.append(self._absent(position, base))
                own = None
            part = self._part(base, following, own)
            parts.append(part)
            position, own = part.end, part.own
        if self._mark is not None and not starts and self._mark.acked > first:
            parts.append(self._absent(first, self._mark.acked))
        return parts

    def _absent(self, base: int, end: int) -> Part:
        path = segment.path_of(self._folder, base)
        remedy = "the segment is made again without these records"
        self._find("damage", path, (base, end - 1), "the segment file is missing", remedy, lost=True)
        return Part(base=base, end=end, own=None, broken=True)

    def _part(self, base: int, following: int | None, previous: int | None) -> Part:
        path = segment.path_of(self._folder, base)
        if following is not None:
            sealed = segment.read_seal(path)
            if sealed is not None and sealed.base == base and sealed.end == following and self._fits(path, sealed):
                return Part(base=base, end=following, own=sealed.own, seal=sealed)
        try:
            start, end, own = self._read(path, base, following, previous)
        except BrokenChainError as broken:
            return self._broken(path, base, following, broken)
        if following is None:
            return self._last(path, Part(base=base, end=end, own=own), start)
        if end != following:
            what = "the segment and the next one do not meet"
            return self._broken(path, base, following, BrokenChainError(min(end, following), what))
        if segment.seal_path(path).exists():
            what = "the file differs from its seal, but every record in it verifies"
            self._find("note", path, (-1, -1), what, "it is sealed again")
        return Part(base=base, end=end, own=own)

    def _fits(self, path: Path, sealed: segment.Seal) -> bool:
        if self._verify == "tail":
            return path.stat().st_size == sealed.size
        return segment.digest(path) == (sealed.size, sealed.crc)

    def _read(self, path: Path, base: int, following: int | None, own: int | None) -> tuple[int, int, int | None]:
        """Where checking began, the offset after the last record and its own checksum. Raises BrokenChainError."""
        start, stop = base, segment.LAST
        try:
            with closing(segment.open_reader(path, still=segment.is_still(path))) as reader:
                if self._verify == "tail" and following is None:
                    (top,) = reader.execute("SELECT max(offset) FROM records").fetchone()
                    start, own = (top - TAIL, None) if top is not None and top - TAIL > base else (base, own)
                end, own = walk(reader.execute(segment.SELECT, (start, stop)), start, own)
                if start > base and end != top + 1:
                    raise BrokenChainError(base, "the newest records are not where the index says")
                wrong = segment.check_form(reader, path, thorough=self._verify == "full")
        except (sqlite3.Error, TypeError) as error:
            raise BrokenChainError(base, str(error)) from error
        if wrong:
            raise BrokenChainError(base, wrong)
        return start, end, own

    def _last(self, path: Path, part: Part, start: int) -> Part:
        """Compare the end of the log with the watermark."""
        mark = self._mark
        if mark is None:
            return part
        if part.end < mark.acked and mark.weak:
            what = "possibly lost in a power cut (durability os)"
            self._find("note", path, (part.end, mark.acked - 1), what, "the log goes on from here")
            return part
        if part.end < mark.acked:
            return self._broken(path, part.base, None, BrokenChainError(part.end, "acknowledged records are missing"))
        if mark.acked > start and self._own(path, mark.acked - 1) != mark.own:
            what = "the last acknowledged record is not the one the watermark names"
            return self._broken(path, part.base, None, BrokenChainError(mark.acked - 1, what))
        return part

    def _own(self, path: Path, offset: int) -> int:
        with closing(segment.open_reader(path, still=segment.is_still(path))) as reader:
            return own_of(reader.execute("SELECT crc FROM records WHERE offset = ?", (offset,)).fetchone()[0])

    def _broken(self, path: Path, base: int, following: int | None, broken: BrokenChainError) -> Part:
        mark = self._mark
        if following is None and mark is not None and broken.offset >= mark.acked:
            what = (
                f"as far as the watermark knows, nothing was acknowledged from here on, and it is torn: {broken.what}"
            )
            self._find(
                "torn", path, (broken.offset, broken.offset), what, "quarantine; the log ends before this offset"
            )
            return Part(base=base, end=broken.offset, own=None, broken=True)
        found = salvage.collect(path, base, segment.LAST if following is None else following)
        end = following if following is not None else self._reach(path, base, found)
        saved = salvage.choose(found, base, end)
        lost = salvage.ranges([offset for offset in range(base, end) if offset not in saved])
        for span in lost:
            remedy = "quarantine; the file is rebuilt without these records"
            self._find("damage", path, span, broken.what, remedy, lost=True)
        if not lost:
            unread = (broken.offset, max(end - 1, broken.offset))
            self._find("damage", path, unread, broken.what, "quarantine; the file is rebuilt, every record is saved")
        return Part(base=base, end=end, own=None, broken=True)

    def _reach(self, path: Path, base: int, found: dict[int, list[Row]]) -> int:
        """Where a damaged last segment ends: what was acknowledged, and what is plainly readable right behind it."""
        if self._mark is None:
            return max(found, default=base - 1) + 1
        end = max(base, self._mark.acked)
        try:
            with closing(segment.open_reader(path, still=segment.is_still(path))) as reader:
                return walk(reader.execute(segment.SELECT, (end, segment.LAST)), end, None)[0]
        except BrokenChainError as broken:
            return broken.offset
        except sqlite3.Error:
            return end  # not even a query can be prepared: the watermark has to do

    def _find(
        self, kind: Kind, path: Path, span: tuple[int, int], what: str, remedy: str, *, lost: bool = False
    ) -> None:
        first, last = span
        found = Finding(kind=kind, segment=path.name, first=first, last=last, lost=lost, what=what, remedy=remedy)
        self._findings.append(found)
