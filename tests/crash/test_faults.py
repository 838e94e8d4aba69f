"""D5 and D6: what the log does when the disk says no. A failed sync ends it, a full disk only refuses."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from swerve.errors import LogFailed, StorageFull
from swerve.log import GroupWriter, LogConfig, SqliteLog, active
from swerve.types import Batch, Record
from tests.crash import vfs
from tests.crash.story import START_S, Verdict, batch, judge

ROOT = Path(__file__).resolve().parents[2]
CONFIG = LogConfig(segment_events=60)
watchable = pytest.mark.skipif(bool(vfs.available()), reason=f"SQLite's I/O cannot be watched: {vfs.available()}")


def clock() -> float:
    """The time everything was received."""
    return START_S


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints and segments every few groups."""
    monkeypatch.setattr(active, "WAL_BYTES", 12 * 4096)


class Disk:
    """Answers the `refuse`-th call of a kind, counted from `arm` on, with an error; counts what is asked afterwards."""

    def __init__(self, kind: str, refuse: range, code: int) -> None:
        self._kind, self._refuse, self._code = kind, refuse, code
        self._calls = -1
        self.refused = 0
        self.later: list[str] = []

    def arm(self) -> None:
        """Begin to count."""
        self._calls = 0

    def __call__(self, kind: str, path: str, place: int, data: bytes) -> int:
        if self._calls < 0:
            return 0
        if self.refused:
            self.later.append(f"{kind} {Path(path).suffix}")
        if kind != self._kind or path.endswith("-shm"):
            return 0
        self._calls += 1
        if self._calls - 1 in self._refuse:
            self.refused += 1
            return self._code
        return 0


def write_until_failure(directory: Path, disk: Disk) -> tuple[list[Batch], list[Batch], list[LogFailed]]:
    """Submit 40 batches one after the other; what was acked, what got an error, and what the writer said of it."""
    acked: list[Batch] = []
    unknown: list[Batch] = []
    said: list[LogFailed] = []
    rng = random.Random(1)
    with vfs.watched(disk), closing(SqliteLog(directory, CONFIG, clock)) as log:
        writer = GroupWriter(log, lambda records: None, CONFIG, idle=log.settle, on_failed=said.append)
        disk.arm()
        for place in range(40):
            one = batch(f"b{place}", rng)
            try:
                writer.submit(one).result()
                acked.append(one)
            except LogFailed:
                unknown.append(one)
        failed = writer.failed
        writer.close()
    assert (failed is not None) == bool(said)
    return acked, unknown, said


def left_in(directory: Path) -> list[Record]:
    """What a new process finds."""
    with closing(SqliteLog(directory, CONFIG, clock)) as log:
        return list(log.read())


@watchable
@pytest.mark.parametrize(
    ("kind", "code"),
    [("sync", sqlite3.SQLITE_IOERR_FSYNC), ("write", sqlite3.SQLITE_IOERR_WRITE)],
)
def test_D5_the_first_failed_write_or_sync_ends_the_log(quick_path: Path, kind: str, code: int) -> None:
    for nth in range(0, 60, 3):
        directory = quick_path / f"{kind}{nth}"
        directory.mkdir()
        disk = Disk(kind, range(nth, nth + 1), code)

        acked, unknown, said = write_until_failure(directory, disk)

        assert len(said) == 1, f"{kind} {nth} was not noticed"
        assert unknown or nth > 40, "nothing is acknowledged after the failure"
        assert not [what for what in disk.later if what.startswith("sync")], "a failed sync must not be tried again"
        assert judge(acked, unknown, left_in(directory)) == Verdict(), f"{kind} {nth}"


@watchable
def test_D5_the_harness_sees_a_build_that_syncs_again(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = active.ActiveSegment.close
    monkeypatch.setattr(active.ActiveSegment, "close", lambda self, failed=False: real(self, failed=False))
    disk = Disk("sync", range(6, 7), sqlite3.SQLITE_IOERR_FSYNC)

    write_until_failure(quick_path, disk)

    assert [what for what in disk.later if what.startswith("sync")]


def test_D5_a_watermark_that_cannot_be_written_ends_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, data: bytes, place: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    with closing(SqliteLog(tmp_path, CONFIG, clock)) as log:
        log.append([batch("a", random.Random(1))])
        monkeypatch.setattr(os, "pwrite", refuse)
        with pytest.raises(LogFailed, match="watermark"):
            log.append([batch("b", random.Random(2))])
        monkeypatch.undo()
        with pytest.raises(LogFailed, match="failed before"):
            log.append([batch("c", random.Random(3))])

    names = {record.event.item for record in left_in(tmp_path)}
    assert {"a/0"} <= names
    assert "c/0" not in names


@watchable
def test_D5_a_fold_that_fails_ends_the_writer_before_the_ack(tmp_path: Path) -> None:
    def fold(records: object) -> None:
        raise ZeroDivisionError

    with closing(SqliteLog(tmp_path, CONFIG, clock)) as log:
        writer = GroupWriter(log, fold, CONFIG)
        with pytest.raises(LogFailed):
            writer.submit(batch("a", random.Random(1))).result()
        with pytest.raises(LogFailed):
            writer.submit(batch("b", random.Random(1)))
        writer.close()


@watchable
def test_D6_a_full_disk_stores_nothing_and_passes(quick_path: Path) -> None:
    refused = 0
    for nth in range(0, 120, 3):
        directory = quick_path / str(nth)
        directory.mkdir()
        disk = Disk("write", range(nth, nth + 5), sqlite3.SQLITE_FULL)
        acked, rng = [], random.Random(1)
        with vfs.watched(disk), closing(SqliteLog(directory, CONFIG, clock)) as log:
            disk.arm()
            for place in range(40):
                one = batch(f"b{place}", rng)
                head = log.head()
                try:
                    log.append([one])
                    acked.append(one)
                except StorageFull:
                    refused += 1
                    assert log.head() == head
            assert disk.refused, nth
            assert len(acked) >= 35, "intake goes on by itself when there is room again"
            assert judge(acked, (), list(log.read())) == Verdict(), nth
        assert judge(acked, (), left_in(directory)) == Verdict(), nth
    assert refused > 30


def test_D6_a_full_disk_fails_one_group_of_the_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folded: list[Record] = []
    with closing(SqliteLog(tmp_path, CONFIG, clock)) as log:
        writer = GroupWriter(log, folded.extend, CONFIG)
        with monkeypatch.context() as full:
            full.setattr(log, "append", _full)
            refused = writer.submit(batch("a", random.Random(1)))
            with pytest.raises(StorageFull):
                refused.result()
        answer = writer.submit(batch("b", random.Random(1))).result()
        writer.close()

    assert writer.failed is None
    assert tuple(folded) == answer.new


def _full(batches: object) -> None:
    raise StorageFull("the disk is full", field="log")


FILL = """
import random, sys
from pathlib import Path
from contextlib import closing
from swerve.errors import StorageFull
from swerve.log import LogConfig, SqliteLog
from tests.crash.story import batch, judge, Verdict

root = Path(sys.argv[1])
acked, refused, rng = [], 0, random.Random(1)
log = SqliteLog(root, LogConfig(segment_events=1000), lambda: 1.7e9)
for turn in range(6):
    ballast = root / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    for place in range(80):
        one = batch(f"{turn}.{place}", rng, text=2000)
        try:
            log.append([one]); acked.append(one)
        except StorageFull:
            refused += 1
    ballast.unlink()
    one = batch(f"{turn}.room", rng)
    log.append([one]); acked.append(one)
assert judge(acked, (), list(log.read())) == Verdict()
log.close()
with closing(SqliteLog(root, LogConfig(segment_events=1000), lambda: 1.7e9)) as log:
    assert judge(acked, (), list(log.read())) == Verdict(), log.report
print(f"ok {len(acked)} {refused}")
"""


@pytest.fixture
def fill(tmp_path: Path) -> Callable[[], str]:
    """Runs FILL in a file system of 3 MB of its own."""

    def run() -> str:
        mount = f'mount -t tmpfs -o size=3m tmpfs "{tmp_path}" && exec "{sys.executable}" -c "$0" "{tmp_path}"'
        command = ["unshare", "-rm", "sh", "-c", mount, FILL]
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
        except FileNotFoundError:
            pytest.skip("unshare is not installed: only the simulated full disk was tried")
        if "unshare" in done.stderr or "mount:" in done.stderr:
            pytest.skip(f"no file system of one's own here, only the simulated full disk: {done.stderr.strip()}")
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_D6_a_disk_that_is_really_full(fill: Callable[[], str]) -> None:
    said, acked, refused = fill().split()

    assert said == "ok"
    assert int(acked) >= 6, "there was room after each turn"
    assert int(refused) > 100


def test_D5_a_file_size_limit_is_a_failure_not_a_full_disk(tmp_path: Path) -> None:
    code = (
        "import random, sys; from pathlib import Path; from swerve.errors import LogFailed\n"
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "from swerve.log import LogConfig, SqliteLog; from tests.crash.story import batch\n"
        "log, rng, acked = SqliteLog(Path(sys.argv[1]), LogConfig(), lambda: 1.7e9), random.Random(1), 0\n"
        "try:\n"
        "    while True:\n"
        "        acked += len(log.append([batch(f'{acked}', rng)])[0].new)\n"
        "except LogFailed:\n"
        "    log.close(); print(acked)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )

    left = left_in(tmp_path)
    assert len(left) >= int(done.stdout) > 100
