"""D8: a backup of a log that is being written is a consistent prefix, verified, and opens like any other."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from swerve.errors import LogDamaged
from swerve.log import GroupWriter, LogConfig, segment
from swerve.types import Batch
from tests.log.helpers import Clock, append, files, fill, opened, record, records


def test_D8_a_backup_under_load_is_a_whole_prefix(tmp_path: Path) -> None:
    config = LogConfig(segment_events=500)
    with closing(opened(tmp_path / "shop", segment_events=500)) as log:
        writer = GroupWriter(log, lambda new: None, config, idle=log.settle)
        done = threading.Event()

        def client(name: int) -> None:
            place = 0
            while not done.is_set() or log.head() < 1_200:  # two segments full, however slow the machine
                writer.submit(Batch(records(7, f"{name}.{place}.", ids=True))).result(10)
                place += 1

        clients = [threading.Thread(target=client, args=(name,)) for name in range(4)]
        for thread in clients:
            thread.start()
        heads = [log.backup(tmp_path / f"copy{turn}") for turn in range(8)]
        done.set()
        for thread in clients:
            thread.join()
        writer.close()
        everything = list(log.read())

    assert heads == sorted(heads)
    assert heads[-1] > heads[0] + 100, "it was under load"
    for turn, head in enumerate(heads):
        with closing(opened(tmp_path / f"copy{turn}", segment_events=500)) as copy:
            assert copy.report == []
            assert (copy.head(), list(copy.read())) == (head, everything[:head])
            if known := everything[:head][:5]:
                assert len(append(copy, *known).duplicates) == len(known)
            assert append(copy, record("goes on")).new[0].offset == head
    assert len(files(tmp_path / "shop", ".db")) > 2, "segments were rolled meanwhile"


def test_a_backup_never_writes_over_another(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "shop")) as log:
        fill(log, 5)
        assert log.backup(tmp_path / "copy") == 5
        with pytest.raises(FileExistsError):
            log.backup(tmp_path / "copy")


def test_a_backup_of_a_damaged_log_says_so(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "shop", verify="tail")) as log:
        fill(log, 50)
        with closing(segment.open_writer(tmp_path / "shop" / "log" / f"{0:020d}.db", "FULL")) as other:
            other.execute("UPDATE records SET payload = x'00' WHERE offset = 30")
        with pytest.raises(LogDamaged) as caught:
            log.backup(tmp_path / "copy")

    assert caught.value.first == 30


def test_nothing_is_dropped_under_a_backup(tmp_path: Path) -> None:
    with closing(opened(tmp_path, Clock(), segment_events=10, keep_segments=1, dedupe_window_s=0)) as log:
        fill(log, 60)
        for thread in log._segments._threads:
            thread.join()
        with log._copying:
            assert log.retain(60) == 0
        assert log.retain(60) > 0


def test_a_backup_of_an_empty_log_opens(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "shop")) as log:
        assert log.backup(tmp_path / "copy") == 0

    with closing(opened(tmp_path / "copy")) as copy:
        assert (copy.head(), copy.report) == (0, [])


def test_a_backup_after_retention_begins_where_the_log_does(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "shop", segment_events=10, keep_segments=1, dedupe_window_s=0)) as log:
        fill(log, 60)
        for thread in log._segments._threads:
            thread.join()
        log.retain(60)
        log.backup(tmp_path / "copy")
        kept = list(log.read())

    with closing(opened(tmp_path / "copy")) as copy:
        assert list(copy.read()) == kept
        assert copy.first() == kept[0].offset
