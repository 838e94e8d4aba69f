"""D2b: a power cut at every single step of the log's own I/O, with lost, torn and reordered writes. Needs no root."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from swerve.errors import LogDamaged
from swerve.log import LogConfig, SqliteLog, segment
from swerve.log import active as active_module
from swerve.log import ids as ids_module
from swerve.log.active import ActiveSegment
from swerve.log.codec import Row, own_of
from swerve.log.watermark import Mark, Watermark
from swerve.types import Record
from tests.crash import vfs
from tests.crash.disk import Disk, Note, recorded, write_out
from tests.crash.story import START_S, batch, same

pytestmark = pytest.mark.skipif(bool(vfs.available()), reason=f"SQLite's I/O cannot be watched: {vfs.available()}")

CONFIG = LogConfig(segment_events=60, keep_segments=1, dedupe_window_s=0)
DAMAGES = ("lost", "kept", "mixed", "torn")


def clock() -> float:
    """Long after every record was received, so that retention may act."""
    return START_S + 1e6


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints, runs and segments every few groups: each kind of I/O is met many times."""
    monkeypatch.setattr(active_module, "WAL_BYTES", 24 * 4096)
    monkeypatch.setattr(ids_module, "RUN_IDS", 40)
    monkeypatch.setattr(ids_module, "FAN", 3)


def run_story(directory: Path, notes: list[Note], rng: random.Random, groups: int, name: str) -> None:
    """Append groups of batches; note each group before it is sent and after it was answered."""
    with closing(SqliteLog(directory, CONFIG, clock)) as log:
        for place in range(groups):
            group = [batch(f"{name}{place}.{part}", rng) for part in range(rng.randint(1, 3))]
            notes.append(("said", "sent", [record for one in group for record in one.records]))
            log.append(group)
            notes.append(("said", "acked"))
            if place % 20 == 19:
                notes.append(("said", "retain"))
                log.retain(log.head())


class Told:
    """What the log had answered at a step."""

    def __init__(self, acked: Sequence[Record] = ()) -> None:
        self.acked = list(acked)
        self.unknown: list[Record] = []
        self.dropping = False

    def hear(self, note: Note) -> None:
        """Take an answer into account."""
        if note[0] == "said":
            self.dropping |= note[1] == "retain"
            if note[1] == "sent":
                self.unknown = note[2]
            elif note[1] == "acked":
                self.acked, self.unknown = self.acked + self.unknown, []


def check(directory: Path, told: Told, where: str) -> list[Record]:
    """A log left by a power cut opens, and holds what was acknowledged and all or nothing of the group after it."""
    with closing(SqliteLog(directory, CONFIG, clock)) as log:
        first, left = log.first(), list(log.read())
        log.append([batch("after", random.Random(1), largest=1)])
        assert len(list(log.read())) == len(left) + 1, where
    assert [record.offset for record in left] == list(range(first, first + len(left))), where
    assert first == 0 or told.dropping, where
    whole, short = told.acked + told.unknown, told.acked
    expected = whole if len(left) + first == len(whole) else short
    assert len(left) == len(expected) - first, f"{where}: {len(left)} left from {first} on, {len(short)} acknowledged"
    assert all(same(sent, kept) for sent, kept in zip(expected[first:], left, strict=True)), where
    return left


def test_D2b_power_cut_at_every_step_loses_nothing_acknowledged(quick_path: Path) -> None:
    told = cut_everywhere(quick_path, random.Random(20), groups=60, every=3)

    assert len(told.acked) > 400


def test_D2b_power_cut_during_recovery_loses_nothing_acknowledged(quick_path: Path) -> None:
    rng = random.Random(21)
    root, first, second = (quick_path / name for name in ("shop", "first", "second"))
    root.mkdir()
    disk, told, checked = Disk(root), Told(), 0
    with recorded(root) as notes:
        run_story(root, notes, rng, 25, "a")
    for place, note in enumerate(notes):
        disk.replay(note)
        told.hear(note)
        if place % (len(notes) // 20) == 0:
            fresh(first, disk.left_by("mixed", rng), root)
            again = Disk(first)
            with recorded(first) as recovery, closing(SqliteLog(first, CONFIG, clock)):
                pass
            for step, later in enumerate(recovery):
                again.replay(later)
                fresh(second, again.left_by(rng.choice(DAMAGES), rng), first)
                check(second, told, f"step {place}, then step {step} of its recovery")
                checked += 1
    assert checked > 200


def _never_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    real = segment.open_writer
    monkeypatch.setattr(segment, "open_writer", lambda path, synchronous: real(path, "NORMAL"))


def _renamed_before_it_is_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "os", SimpleNamespace(fsync=lambda fd: None))


def _marked_before_it_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ActiveSegment.append

    def append(self: ActiveSegment, rows: Sequence[Row]) -> None:
        watermark = Watermark.__new__(Watermark)
        watermark.__dict__.update(_MARKS[-1].__dict__)
        watermark.advance(rows[-1][0] + 1, own_of(rows[-1][1]))
        _MARKS[-1].mark = watermark.mark
        real(self, rows)

    def remember(self: Watermark, folder: Path, mark: Mark) -> None:
        begin(self, folder, mark)
        _MARKS.append(self)

    begin = Watermark.__init__
    monkeypatch.setattr(Watermark, "__init__", remember)
    monkeypatch.setattr(ActiveSegment, "append", append)


_MARKS: list[Watermark] = []


@pytest.mark.parametrize("breaks", [_never_synced, _renamed_before_it_is_synced, _marked_before_it_is_true])
def test_D2b_the_harness_sees_a_broken_build(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[pytest.MonkeyPatch], None]
) -> None:
    breaks(monkeypatch)

    with pytest.raises((AssertionError, LogDamaged)):
        cut_everywhere(quick_path, random.Random(22), groups=60, every=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_D2b_power_cut_at_every_step_in_every_way(quick_path: Path, seed: int) -> None:
    cut_everywhere(quick_path, random.Random(seed), groups=120, every=1)


def cut_everywhere(folder: Path, rng: random.Random, groups: int, every: int) -> Told:
    """Run a story once, then cut the power at each `every`-th step of it."""
    root, trial = folder / "shop", folder / "trial"
    root.mkdir()
    disk = Disk(root)
    with recorded(root) as notes:
        run_story(root, notes, rng, groups, "a")
        run_story(root, notes, rng, groups // 4, "b")
    told, seen = Told(), Counter()
    for place, note in enumerate(notes):
        disk.replay(note)
        told.hear(note)
        seen[note[0]] += 1
        if place % every == 0:
            damage = rng.choice(DAMAGES)
            fresh(trial, disk.left_by(damage, rng), root)
            check(trial, told, f"step {place} of {len(notes)} ({note[:2]}), {damage}")
    assert min(seen[kind] for kind in ("write", "sync", "folder", "move", "gone", "content", "size")) > 5, seen
    return told


def fresh(directory: Path, files: dict[str, bytes], root: Path) -> None:
    """Make `directory` hold exactly these files of the folder `root`."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    write_out(files, root, directory)
