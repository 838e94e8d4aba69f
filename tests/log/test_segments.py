"""Segments: rolled, sealed, read across, dropped from the front and never from the middle."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from swerve.errors import LogDamaged, LogFailed, SwerveError
from swerve.log import active, segment
from swerve.log.config import DAY_S
from tests.log.helpers import NOW_S, Clock, append, files, fill, items, opened, record

BIG = 3600.0


def sealed(directory: Path) -> list[int]:
    """Base offsets of the segments that have a seal."""
    return [int(name.split(".")[0]) for name in files(directory, ".seal")]


def test_a_full_segment_is_followed_by_a_new_one(tmp_path: Path) -> None:
    with closing(opened(tmp_path, segment_events=20)) as log:
        fill(log, 50)

        assert items(log.read()) == [f"i{place}" for place in range(50)]
        assert items(log.read(18, 42)) == [f"i{place}" for place in range(18, 42)]
    assert files(tmp_path, ".db") == [f"{base:020d}.db" for base in (0, 20, 40)]
    assert sealed(tmp_path) == [0, 20]
    assert not files(tmp_path, "-wal"), "a clean close leaves no write-ahead log"


def test_a_group_larger_than_a_segment_stays_whole(tmp_path: Path) -> None:
    with closing(opened(tmp_path, segment_events=5)) as log:
        fill(log, 30, group=12)

        assert len(list(log.read())) == 30
    assert files(tmp_path, ".db") == [f"{base:020d}.db" for base in (0, 12, 24)]


def test_the_chain_goes_on_over_segments_and_openings(tmp_path: Path) -> None:
    for turn in range(5):
        with closing(opened(tmp_path, segment_events=7)) as log:
            fill(log, 10, f"t{turn}.", group=3)
            assert log.report == []

    with closing(opened(tmp_path)) as log:
        assert log.head() == 50
        assert [one.offset for one in log.read()] == list(range(50))


def test_a_segment_without_its_seal_is_sealed_when_opened(tmp_path: Path) -> None:
    with closing(opened(tmp_path, segment_events=10)) as log:
        fill(log, 25)
    (tmp_path / "log" / f"{0:020d}.seal").unlink()

    with closing(opened(tmp_path)) as log:
        assert log.report == []
    assert sealed(tmp_path) == [0, 10]


def test_a_swapped_segment_does_not_fit_the_chain(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with closing(opened(tmp_path / name, segment_events=10)) as log:
            fill(log, 25, name)
    for ending in ("db", "seal"):
        (tmp_path / "two" / "log" / f"{10:020d}.{ending}").replace(tmp_path / "one" / "log" / f"{10:020d}.{ending}")
        (tmp_path / "one" / "log" / f"{10:020d}.seal").unlink(missing_ok=True)

    with pytest.raises(LogDamaged) as caught:
        opened(tmp_path / "one")

    assert caught.value.first == 10


def test_a_reader_that_rests_does_not_stop_anything(tmp_path: Path) -> None:
    with closing(opened(tmp_path, segment_events=50)) as log:
        fill(log, 40)
        resting = log.read()
        first = next(resting)
        fill(log, 200, "later")

        assert [first.offset, *(one.offset for one in resting)] == list(range(40))
        assert len(files(tmp_path, ".db")) > 3


def test_a_reader_in_the_middle_of_a_query_only_puts_a_roll_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = segment.open_writer

    def impatient(path: Path, synchronous: str) -> object:
        connection = real(path, synchronous)
        connection.execute("PRAGMA busy_timeout=10")
        return connection

    monkeypatch.setattr(segment, "open_writer", impatient)
    with closing(opened(tmp_path, segment_events=20)) as log:
        fill(log, 15)
        with closing(segment.open_reader(tmp_path / "log" / f"{0:020d}.db", still=False)) as reader:
            stuck = reader.execute("SELECT offset FROM records")
            stuck.fetchone()
            fill(log, 30, "while")
            assert len(files(tmp_path, ".db")) == 1
            stuck.close()
        fill(log, 30, "after")

        assert len(files(tmp_path, ".db")) == 3
        assert len(list(log.read())) == 75


def test_the_write_ahead_log_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active, "WAL_BYTES", 64 * 1024)
    with closing(opened(tmp_path)) as log:
        fill(log, 3000, group=5)

        wal = tmp_path / "log" / f"{0:020d}.db-wal"
        assert wal.stat().st_size < 256 * 1024


# --- retention ----------------------------------------------------------------------------------------------


def old_log(directory: Path, clock: Clock, **settings: object) -> object:
    """Five full segments of ten records, one day apart, and a live one."""
    log = opened(directory, clock, segment_events=10, dedupe_window_s=DAY_S, **settings)
    for day in range(6):
        clock.now = NOW_S + day * DAY_S
        append(log, *(record(f"d{day}.{place}", f"d{day}.{place}", received=clock.now) for place in range(10)))
    log.close()
    return opened(directory, clock, segment_events=10, dedupe_window_s=DAY_S, **settings)


def wait_for_seals(log: object) -> None:
    """Seals are written by threads of their own."""
    for thread in log._segments._threads:  # type: ignore[attr-defined]
        thread.join()


def test_nothing_is_dropped_unless_asked_for(tmp_path: Path) -> None:
    clock = Clock()
    with closing(old_log(tmp_path, clock)) as log:
        wait_for_seals(log)

        assert log.retain(log.head()) == 0
        assert log.first() == 0


def test_old_segments_are_dropped_by_age(tmp_path: Path) -> None:
    clock = Clock()
    with closing(old_log(tmp_path, clock, keep_days=2.5)) as log:
        wait_for_seals(log)

        assert log.retain(log.head()) == 3
        assert log.first() == 30
        assert items(log.read())[0] == "d3.0"
        assert next(log.read(5)).offset == 30, "reading begins at the first that is kept"
    with closing(opened(tmp_path, clock)) as log:
        assert (log.first(), log.head(), log.report) == (30, 60, [])


def test_old_segments_are_dropped_by_number(tmp_path: Path) -> None:
    with closing(old_log(tmp_path, Clock(), keep_segments=3)) as log:
        wait_for_seals(log)

        assert log.retain(log.head()) == 2
        assert files(tmp_path, ".db")[0] == f"{20:020d}.db"
        assert sealed(tmp_path)[0] == 20


def test_what_no_snapshot_has_folded_is_never_dropped(tmp_path: Path) -> None:
    with closing(old_log(tmp_path, Clock(), keep_segments=1)) as log:
        wait_for_seals(log)

        assert log.retain(25) == 2
        assert log.first() == 20


def test_what_dedupe_still_needs_is_never_dropped(tmp_path: Path) -> None:
    clock = Clock()
    with closing(old_log(tmp_path, clock, keep_segments=1)) as log:
        wait_for_seals(log)
        clock.now = NOW_S + 1.5 * DAY_S

        assert log.retain(log.head()) == 1, "only the first day is older than the window"
        answer = append(log, record("d1.3", "d1.3", received=clock.now))
        assert answer.duplicates == (0,)


def test_a_dropped_event_may_be_sent_again(tmp_path: Path) -> None:
    with closing(old_log(tmp_path, clock := Clock(), keep_segments=1)) as log:
        wait_for_seals(log)
        log.retain(log.head())

        assert append(log, record("d0.3", "d0.3", received=clock.now)).new[0].offset == 60


def test_an_interrupted_drop_is_finished_when_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(old_log(tmp_path, Clock(), keep_segments=1)) as log:
        wait_for_seals(log)
        monkeypatch.setattr(segment, "remove", lambda path: None)
        assert log.retain(log.head()) == 4
    monkeypatch.undo()
    assert len(files(tmp_path, ".db")) == 6

    with closing(opened(tmp_path)) as log:
        assert (log.first(), log.report) == (40, [])
    assert len(files(tmp_path, ".db")) == 2


def test_reading_what_is_dropped_meanwhile_goes_on_behind_it(tmp_path: Path) -> None:
    with closing(old_log(tmp_path, Clock(), keep_segments=1)) as log:
        wait_for_seals(log)
        reading = log.read()
        first = [next(reading).offset for _ in range(3)]
        log.retain(log.head())
        rest = [one.offset for one in reading]

        assert first == [0, 1, 2]
        assert rest == [*range(3, 10), *range(40, 60)]


# --- closing, and formats -----------------------------------------------------------------------------------


def test_a_closed_log_takes_nothing(tmp_path: Path) -> None:
    log = opened(tmp_path)
    log.close()
    log.close()

    with pytest.raises(LogFailed, match="closed"):
        append(log, record("a"))


def test_reads_and_appends_of_many_threads_agree(tmp_path: Path) -> None:
    problems: list[str] = []
    with closing(opened(tmp_path, segment_events=40)) as log:
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                offsets = [one.offset for one in log.read()]
                if offsets != list(range(len(offsets))):
                    problems.append("gap")

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        fill(log, 400, group=3)
        done.set()
        for thread in threads:
            thread.join()

    assert not problems


def test_a_log_of_a_newer_version_is_refused_precisely(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as log:
        append(log, record("a"))
    path = tmp_path / "log" / f"{0:020d}.db"
    with closing(segment.open_writer(path, "FULL")) as connection:
        connection.execute(f"PRAGMA user_version={segment.FORMAT + 1}")
        connection.execute(f"PRAGMA application_id={segment.APPLICATION + 1}")

    with pytest.raises(SwerveError) as caught:
        opened(tmp_path)

    assert caught.value.code == "newer_format"
    opened_again = [one for one in range(2) if _refused(tmp_path)]
    assert opened_again == [0, 1], "a refusal leaves no lock and changes nothing"


def _refused(directory: Path) -> bool:
    try:
        opened(directory).close()
    except SwerveError:
        return True
    return False
