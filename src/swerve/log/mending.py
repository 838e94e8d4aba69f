"""Rebuilding segments in place: what a repair does, and what opening does to a torn end.

Nothing is deleted: every file that is about to be replaced is first copied into `quarantine/<n>/`. A rebuilt file is
complete before it takes its name, and whoever opens the log next finishes what an interrupted repair left.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from swerve.log import salvage, segment, watermark
from swerve.log.codec import own_of
from swerve.log.files import sync_directory, sync_file
from swerve.log.recovery import Part, Survey
from swerve.log.watermark import Mark

QUARANTINE = "quarantine"
_MENDED = ".mended"


def mend(folder: Path, found: Survey) -> None:
    """Rebuild the broken segments of a surveyed log and write a watermark that fits."""
    broken = [part for part in found.parts if part.broken]
    _quarantine(folder, [folder / watermark.NAME, *(path for part in broken for path in _files(folder, part))])
    torn = {finding.segment for finding in found.of_kind("torn")}
    own = 0
    for part in found.parts:
        if part.broken:
            _rebuild(folder, part, own, plain=segment.path_of(folder, part.base).name in torn)
            finish(folder)
        if part.end > part.base:
            own = _last_own(folder, part)
    mark = Mark(first=found.mark.first, acked=found.end, own=own, weak=found.mark.weak, serial=found.mark.serial + 1)
    watermark.store(folder, mark)


def finish(folder: Path) -> None:
    """Put rebuilt segments in place; also what a repair did not come to when its process died."""
    for mended in sorted(folder.glob(f"*{_MENDED}")):
        path = mended.with_suffix(".db")
        # An old write-ahead log would be applied to the new file, so it goes first; quarantine holds a copy.
        for old in (Path(f"{path}-wal"), Path(f"{path}-shm"), segment.seal_path(path)):
            old.unlink(missing_ok=True)
        sync_directory(folder)
        mended.replace(path)
        sync_directory(folder)


def _rebuild(folder: Path, part: Part, previous: int, *, plain: bool) -> None:
    """Write the rows of one broken part to a new file: as SQLite reads them (`plain`), or salvaged."""
    path = segment.path_of(folder, part.base)
    mended = path.with_suffix(_MENDED)
    if part.end == part.base:
        segment.build(mended)
    elif plain:
        with closing(segment.open_reader(path, still=segment.is_still(path))) as reader:
            segment.build(mended, reader.execute(segment.SELECT, (part.base, part.end)))
    else:
        saved = salvage.choose(salvage.collect(path, part.base, part.end), part.base, part.end)
        segment.build(mended, salvage.rebuilt(saved, part.base, part.end, previous))


def _last_own(folder: Path, part: Part) -> int:
    path = segment.path_of(folder, part.base)
    with closing(segment.open_reader(path, still=segment.is_still(path))) as reader:
        return own_of(reader.execute("SELECT crc FROM records WHERE offset = ?", (part.end - 1,)).fetchone()[0])


def _files(folder: Path, part: Part) -> list[Path]:
    path = segment.path_of(folder, part.base)
    return [path, Path(f"{path}-wal"), segment.seal_path(path)]


def _quarantine(folder: Path, paths: list[Path]) -> None:
    """Copy the files that exist, byte by byte, into a new numbered folder."""
    root = folder / QUARANTINE
    root.mkdir(exist_ok=True)
    place = root / str(1 + max((int(old.name) for old in root.iterdir() if old.name.isdigit()), default=0))
    place.mkdir()
    for path in paths:
        if path.exists():
            shutil.copyfile(path, place / path.name)
            sync_file(place / path.name)
    for changed in (place, root, folder):
        sync_directory(changed)
