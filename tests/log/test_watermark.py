"""The watermark: two slots, never both at risk, never ahead of what is committed."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.log import watermark
from swerve.log.watermark import Mark, Watermark, load
from tests.log.helpers import Clock, fill, opened


@pytest.fixture
def live(tmp_path: Path) -> Watermark:
    return Watermark(tmp_path, Mark(acked=1, own=7))


def test_the_newest_readable_slot_counts(tmp_path: Path, live: Watermark) -> None:
    for acked in range(2, 6):
        live.advance(acked, acked * 10)
    live.close()

    mark, notes = load(tmp_path)
    assert (mark, notes) == (Mark(acked=5, own=50, serial=4), [])


@pytest.mark.parametrize(("place", "left"), [(0, 4), (4096, 5)])
def test_a_torn_write_costs_one_step(tmp_path: Path, live: Watermark, place: int, left: int) -> None:
    for acked in range(2, 6):
        live.advance(acked, acked * 10)
    live.close()
    path = tmp_path / watermark.NAME
    data = bytearray(path.read_bytes())
    data[place + 20] ^= 4
    path.write_bytes(data)

    mark, notes = load(tmp_path)
    assert mark is not None
    assert mark.acked == left
    assert len(notes) == 1


@given(st.binary(max_size=9000))
def test_garbage_is_no_mark(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / watermark.NAME).write_bytes(data)
        mark, notes = load(Path(folder))

    assert mark is None
    assert len(notes) == 2


def test_no_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert load(tmp_path) == (None, ["the watermark is missing"])


def test_what_was_dropped_is_synced_at_once(tmp_path: Path, live: Watermark) -> None:
    live.advance(9, 1)
    assert live.unsynced
    live.drop(5)
    assert not live.unsynced
    live.close()
    live.close()

    mark, _ = load(tmp_path)
    assert mark is not None
    assert (mark.first, mark.acked) == (5, 9)


def test_an_existing_file_is_written_in_place(tmp_path: Path, live: Watermark) -> None:
    live.close()
    before = (tmp_path / watermark.NAME).stat().st_ino
    Watermark(tmp_path, Mark(acked=3, serial=1)).close()

    assert (tmp_path / watermark.NAME).stat().st_ino == before
    assert load(tmp_path)[0] == Mark(acked=3, serial=1)


def test_it_follows_every_commit_and_is_synced_within_a_second(tmp_path: Path) -> None:
    clock = Clock()
    with closing(opened(tmp_path, clock)) as log:
        fill(log, 10)
        mark, _ = load(tmp_path / "log")
        assert mark is not None
        assert mark.acked == 10
        assert log._watermark.unsynced
        clock.now += 1.1
        log.settle()

        assert not log._watermark.unsynced


def test_a_clock_that_jumps_back_does_not_stop_the_syncs(tmp_path: Path) -> None:
    clock = Clock()
    with closing(opened(tmp_path, clock)) as log:
        clock.now -= 1e8
        fill(log, 10)
        log.settle()

        assert not log._watermark.unsynced
