"""A log is read without being opened: while another process writes it, and while nobody does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from swerve.errors import LogDamaged, SwerveError
from swerve.log import beside, segment, watermark
from swerve.log.config import LogConfig
from swerve.log.recovery import LOG
from swerve.log.sqlite import SqliteLog
from swerve.types import Batch, Interaction, Record

CONFIG = LogConfig(segment_events=100)


def batch(n: int, start: int = 0) -> Batch:
    return Batch(
        records=tuple(
            Record(event=Interaction(user="u", item=f"i{start + k}", action="view"), received=1.0, time=1.0, gain=1.0)
            for k in range(n)
        )
    )


def items(directory: Path, stop: int) -> list[str]:
    return [record.event.item for record in beside.records(directory, stop)]  # type: ignore[union-attr]


def filled(directory: Path, n: int) -> SqliteLog:
    log = SqliteLog(directory, CONFIG, lambda: 1.0)
    for start in range(0, n, 50):
        log.append([batch(min(50, n - start), start)])
    return log


def test_everything_acknowledged_is_read_while_the_log_is_open(tmp_path: Path) -> None:
    log = filled(tmp_path, 330)
    assert len(segment.bases(tmp_path / LOG)) == 4
    assert beside.end(tmp_path) == 330
    assert items(tmp_path, 330) == [f"i{k}" for k in range(330)]
    assert items(tmp_path, 120) == [f"i{k}" for k in range(120)]
    assert [record.offset for record in beside.records(tmp_path, 130)] == list(range(130))
    log.append([batch(5, 330)])
    assert beside.end(tmp_path) == 335
    log.close()


def test_a_closed_log_and_none_at_all(tmp_path: Path) -> None:
    assert beside.end(tmp_path) == 0
    assert items(tmp_path, 0) == []
    filled(tmp_path, 130).close()
    assert beside.end(tmp_path) == 130
    assert items(tmp_path, 130) == [f"i{k}" for k in range(130)]
    log = SqliteLog(tmp_path, CONFIG, lambda: 1.0)  # and it opens as before
    assert (log.head(), log.report) == (130, [])
    log.close()


def test_reading_goes_on_while_records_come_in(tmp_path: Path) -> None:
    log, found = filled(tmp_path, 250), []
    for record in beside.records(tmp_path, 250):
        found.append(record.offset)
        if record.offset % 50 == 0:
            log.append([batch(50, 1000 + record.offset)])
    assert found == list(range(250))
    log.close()


WRITER = """
import sys, time
from pathlib import Path
from tests.log.test_beside import filled
log = filled(Path(sys.argv[1]), 230)
print("ready", flush=True)
time.sleep(120)
"""


def test_a_process_that_was_killed_leaves_a_log_that_can_be_read(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=-1, env=environ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        assert items(tmp_path, beside.end(tmp_path)) == [f"i{k}" for k in range(230)], "beside the living one"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert items(tmp_path, beside.end(tmp_path)) == [f"i{k}" for k in range(230)], "and after its death"


def test_dropped_segments_are_not_missed_but_one_that_goes_meanwhile_is_named(tmp_path: Path) -> None:
    log = filled(tmp_path, 330)
    segment.remove(segment.path_of(tmp_path / LOG, 0))
    assert items(tmp_path, 250) == [f"i{k}" for k in range(100, 250)]
    reading = beside.records(tmp_path, 330)
    next(reading)
    segment.remove(segment.path_of(tmp_path / LOG, 200))
    with pytest.raises(SwerveError, match="was dropped while it was read: start again") as caught:
        list(reading)
    assert caught.value.code == "dropped"
    log.close()


def test_what_was_acknowledged_and_is_gone_is_damage(tmp_path: Path) -> None:
    filled(tmp_path, 130).close()
    watermark.store(tmp_path / LOG, watermark.Mark(acked=140, serial=9))
    with pytest.raises(LogDamaged, match="offsets 130 to 139: acknowledged records are missing"):
        beside.end(tmp_path)


def test_a_flipped_bit_is_damage(tmp_path: Path) -> None:
    filled(tmp_path, 130).close()
    path = segment.path_of(tmp_path / LOG, 0)
    data = bytearray(path.read_bytes())
    place = data.index(b"i42")
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(LogDamaged, match=r"offsets \d+ to \d+"):
        items(tmp_path, 130)
    path.write_bytes(b"")
    segment.path_of(tmp_path / LOG, 100).write_bytes(b"")
    with pytest.raises(LogDamaged, match="too short"):
        beside.end(tmp_path)
