"""Opening after something went wrong: torn ends are cut and reported, damage is refused, repair says what is lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from swerve.errors import LogDamaged
from swerve.log import examine, repair, segment, watermark
from swerve.log.codec import seal
from swerve.log.mending import finish
from swerve.log.salvage import choose, collect, ranges
from swerve.log.watermark import Mark
from tests.log.helpers import Clock, append, files, fill, items, opened, record

SEGMENT = f"{0:020d}.db"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """One segment of 100 records, cleanly closed."""
    with closing(opened(tmp_path)) as log:
        fill(log, 100, ids=True)
    return tmp_path


def change(shop: Path, statement: str, *values: object, name: str = SEGMENT) -> None:
    """Change a closed segment behind the log's back."""
    with closing(sqlite3.connect(shop / "log" / name, isolation_level=None)) as connection:
        connection.execute(statement, values)


def marked(shop: Path, **changes: object) -> None:
    """Rewrite the watermark."""
    mark, _ = watermark.load(shop / "log")
    assert mark is not None
    fields = {name: getattr(mark, name) for name in mark.__struct_fields__} | changes
    watermark.store(shop / "log", Mark(**fields))  # type: ignore[arg-type]


def own_at(shop: Path, offset: int) -> int:
    with closing(sqlite3.connect(shop / "log" / SEGMENT)) as connection:
        crc: int = connection.execute("SELECT crc FROM records WHERE offset = ?", (offset,)).fetchone()[0]
    return crc & 0xFFFFFFFF


def contents(shop: Path) -> dict[str, bytes]:
    found = (path for path in (shop / "log").iterdir() if path.is_file() and path.suffix != ".db-shm")
    return {path.name: path.read_bytes() for path in found}


# --- a torn end ---------------------------------------------------------------------------------------------


def test_D4_a_torn_end_is_cut_kept_aside_and_reported(shop: Path) -> None:
    marked(shop, acked=60, own=own_at(shop, 59))
    change(shop, "UPDATE records SET payload = x'00' WHERE offset = 70")

    with closing(opened(shop)) as log:
        assert log.head() == 70
        assert len(log.report) == 1
        assert "70" in log.report[0]
        assert append(log, record("i70", "i70")).new[0].offset == 70
    (kept,) = (shop / "log" / "quarantine").rglob(SEGMENT)
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("SELECT count(*) FROM records").fetchone() == (100,)
    with closing(opened(shop)) as log:
        assert log.report == []
        assert len(list(log.read())) == 71


def test_records_behind_the_watermark_that_verify_are_kept(shop: Path) -> None:
    marked(shop, acked=60, own=own_at(shop, 59))

    with closing(opened(shop)) as log:
        assert (log.head(), log.report) == (100, [])


def test_a_segment_that_was_only_begun_is_begun_again(shop: Path) -> None:
    with closing(opened(shop, segment_events=10)) as log:
        append(log, record("last"))
    begun = shop / "log" / f"{100:020d}.db"
    marked(shop, acked=100, own=own_at(shop, 99))
    begun.write_bytes(b"\0" * 8192)

    with closing(opened(shop)) as log:
        assert log.head() == 100
        assert len(log.report) == 1
        assert append(log, record("again")).new[0].offset == 100


# --- damage -------------------------------------------------------------------------------------------------


DAMAGES: dict[str, tuple[Callable[[Path], None], tuple[int, int], list[int]]] = {
    "a payload changed": (
        lambda shop: change(shop, "UPDATE records SET payload = payload || x'00' WHERE offset = 30"), (30, 30), [30]),
    "a record is missing": (lambda shop: change(shop, "DELETE FROM records WHERE offset = 30"), (30, 30), [30]),
    "the end is missing": (
        lambda shop: change(shop, "DELETE FROM records WHERE offset > 94"), (95, 99), [*range(95, 100)]),
    "a payload stands in two places": (
        lambda shop: change(
            shop, "UPDATE records SET payload = (SELECT payload FROM records r WHERE r.offset = 41) WHERE offset = 40"),
        (40, 40), [40]),
    "a checksum changed": (lambda shop: change(shop, "UPDATE records SET crc = crc + 1 WHERE offset = 5"), (5, 5), [5]),
    "a link changed": (
        lambda shop: change(shop, "UPDATE records SET crc = crc + (1 << 40) WHERE offset = 5"), (5, 99), []),
    "a payload is text": (
        lambda shop: change(shop, "UPDATE records SET payload = 'ha' WHERE offset = 5"), (5, 5), [5]),
    "a payload is a number": (
        lambda shop: change(shop, "UPDATE records SET payload = 7 WHERE offset = 5"), (5, 5), [5]),
    "the file is gone": (lambda shop: (shop / "log" / SEGMENT).unlink(), (0, 99), [*range(100)]),
    "the file is empty": (lambda shop: (shop / "log" / SEGMENT).write_bytes(b""), (0, 99), [*range(100)]),
    "the table was changed": (lambda shop: change(shop, "ALTER TABLE records ADD COLUMN more"), (0, 99), []),
    "the format says 0": (lambda shop: change(shop, "PRAGMA user_version = 0"), (0, 99), []),
    "the mode was changed": (lambda shop: change(shop, "PRAGMA journal_mode = DELETE"), (0, 99), []),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_D4_damage_is_refused_by_name_and_repaired_to_the_record(shop: Path, name: str) -> None:
    damage, place, lost = DAMAGES[name]
    damage(shop)
    before = contents(shop)

    with pytest.raises(LogDamaged) as caught:
        opened(shop)
    assert (caught.value.segment, caught.value.first, caught.value.last) == (SEGMENT, *place)
    assert contents(shop) == before, "a refusal changes nothing"

    explained = examine(shop)
    assert contents(shop) == before, "an examination changes nothing"
    assert repair(shop) == explained
    assert sorted(lost) == [offset for one in explained if one.lost for offset in range(one.first, one.last + 1)]
    assert all(one.what and one.remedy for one in explained)
    assert not examine(shop)

    with closing(opened(shop)) as log:
        assert [one.offset for one in log.read()] == [offset for offset in range(100) if offset not in lost]
        assert log.head() == 100, "offsets stay gap-free: a lost record leaves a tombstone"
        again = append(log, *(record(f"i{offset}", f"i{offset}") for offset in (lost[:1] or [0])))
        assert bool(again.new) == bool(lost), "a lost event may be sent again"


def test_D4_damage_in_a_full_segment_is_named_and_the_others_are_left_alone(tmp_path: Path) -> None:
    with closing(opened(tmp_path, segment_events=30)) as log:
        fill(log, 100)
    middle = f"{30:020d}.db"
    change(tmp_path, "UPDATE records SET payload = x'00' WHERE offset IN (59, 45)", name=middle)
    others = {name: content for name, content in contents(tmp_path).items() if name[:20] != middle[:20]}

    with pytest.raises(LogDamaged) as caught:
        opened(tmp_path)
    assert (caught.value.segment, caught.value.first, caught.value.last) == (middle, 45, 59)
    assert [(one.first, one.last) for one in repair(tmp_path)] == [(45, 45), (59, 59)]

    now = contents(tmp_path)
    assert all(now[name] == content for name, content in others.items() if name != "watermark")
    with closing(opened(tmp_path, segment_events=30)) as log:
        assert log.report == []
        assert sorted(set(range(100)) - {one.offset for one in log.read()}) == [45, 59]
        fill(log, 40, "more")
    assert not examine(tmp_path)


def test_D4_a_missing_segment_in_the_middle_is_named(tmp_path: Path) -> None:
    with closing(opened(tmp_path, segment_events=30)) as log:
        fill(log, 100)
    for ending in ("db", "seal"):
        (tmp_path / "log" / f"{30:020d}.{ending}").unlink()

    with pytest.raises(LogDamaged) as caught:
        opened(tmp_path)

    assert (caught.value.first, caught.value.last) == (30, 59)
    assert [(one.first, one.last, one.lost) for one in repair(tmp_path)] == [(30, 59, True)]
    with closing(opened(tmp_path)) as log:
        assert len(list(log.read())) == 70


def test_D4_a_first_segment_that_nobody_dropped_is_missed(tmp_path: Path) -> None:
    with closing(opened(tmp_path, segment_events=30)) as log:
        fill(log, 100)
    (tmp_path / "log" / SEGMENT).unlink()

    with pytest.raises(LogDamaged) as caught:
        opened(tmp_path)

    assert (caught.value.first, caught.value.last) == (0, 29)


def test_the_weak_class_forgives_what_a_power_cut_may_take(shop: Path) -> None:
    change(shop, "DELETE FROM records WHERE offset > 94")
    marked(shop, weak=True)

    with closing(opened(shop, durability="os")) as log:
        assert log.head() == 95
        assert "95 to 99" in log.report[0]
        assert "possibly lost" in log.report[0]


def test_a_log_without_its_watermark_opens_and_says_so(shop: Path) -> None:
    (shop / "log" / "watermark").unlink()

    with closing(opened(shop)) as log:
        assert log.head() == 100
        assert "watermark is missing" in log.report[0]
    with closing(opened(shop)) as log:
        assert log.report == []


def test_damage_is_found_while_reading_too(shop: Path) -> None:
    with closing(opened(shop, verify="tail")) as log:
        change(shop, "UPDATE records SET payload = x'00' WHERE offset = 30")
        with pytest.raises(LogDamaged) as caught:
            list(log.read())
        assert caught.value.first == 30
        assert items(log.read(50, 60)) == [f"i{place}" for place in range(50, 60)]
        with pytest.raises(LogDamaged):
            append(log, record("i30", "i30"))


def test_a_quick_opening_checks_only_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swerve.log.recovery.TAIL", 10)
    monkeypatch.setattr("swerve.log.ids.RUN_RECORDS", 20)
    with closing(opened(tmp_path, segment_events=50)) as log:
        fill(log, 90)
    change(tmp_path, "UPDATE records SET payload = x'00' WHERE offset = 55", name=f"{50:020d}.db")
    opened(tmp_path, verify="tail").close()
    change(tmp_path, "UPDATE records SET payload = x'00' WHERE offset = 85", name=f"{50:020d}.db")
    with pytest.raises(LogDamaged) as caught:
        opened(tmp_path, verify="tail")

    assert caught.value.first == 55, "once something is wrong, everything is looked at"


# --- repair -------------------------------------------------------------------------------------------------


def test_a_sound_log_is_left_as_it_is(shop: Path) -> None:
    before = contents(shop)

    assert examine(shop) == repair(shop) == []
    assert contents(shop) == before


def test_a_repair_keeps_every_byte_in_quarantine(shop: Path) -> None:
    change(shop, "UPDATE records SET payload = x'00' WHERE offset = 30")
    damaged = (shop / "log" / SEGMENT).read_bytes()
    repair(shop)
    change(shop, "UPDATE records SET payload = x'00' WHERE offset = 40")
    repair(shop)

    assert (shop / "log" / "quarantine" / "1" / SEGMENT).read_bytes() == damaged
    assert (shop / "log" / "quarantine" / "2" / SEGMENT).exists()
    with closing(opened(shop)) as log:
        assert sorted(set(range(100)) - {one.offset for one in log.read()}) == [30, 40]


def test_a_repair_that_died_is_finished_by_the_next_opening(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(shop, "UPDATE records SET payload = x'00' WHERE offset = 30")
    monkeypatch.setattr("swerve.log.mending.finish", lambda folder: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        repair(shop)
    monkeypatch.undo()
    assert files(shop, ".mended")

    with closing(opened(shop)) as log:
        assert len(list(log.read())) == 99
    assert not files(shop, ".mended")


def test_an_old_write_ahead_log_is_never_applied_to_a_mended_file(shop: Path) -> None:
    with closing(opened(shop)) as log:
        fill(log, 20, "wal")
        shutil.copytree(shop / "log", shop / "copy")
    for name in (SEGMENT, f"{SEGMENT}-wal", "watermark"):
        shutil.copyfile(shop / "copy" / name, shop / "log" / name)
    segment.build((shop / "log" / SEGMENT).with_suffix(".mended"))
    finish(shop / "log")

    assert not files(shop, "-wal")
    assert not files(shop, ".mended")


def test_a_flipped_bit_in_the_write_ahead_log_costs_one_page_not_the_rest(tmp_path: Path) -> None:
    """SQLite drops every commit behind a bad frame; here only what the bad page alone held is lost."""
    with closing(opened(tmp_path / "live")) as log:
        fill(log, 300, group=1)
        shutil.copytree(tmp_path / "live", tmp_path / "cut")
    wal = tmp_path / "cut" / "log" / f"{SEGMENT}-wal"
    data = bytearray(wal.read_bytes())
    data[len(data) // 2] ^= 1
    wal.write_bytes(data)

    with pytest.raises(LogDamaged) as caught:
        opened(tmp_path / "cut")
    assert caught.value.last == 299
    lost = [one for one in repair(tmp_path / "cut") if one.lost]

    assert not lost, "each page was written again by the next commit"
    with closing(opened(tmp_path / "cut")) as log:
        assert len(list(log.read())) == 300


# --- salvage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 3_900, 4_020, 4_061, 4_062, 5_000, 40_000])
def test_records_of_every_size_are_found_page_by_page(tmp_path: Path, size: int) -> None:
    rows, own = [], 0
    for offset in range(30):
        payload = bytes([offset]) * (size + offset)
        crc = seal(payload, offset, own)
        rows.append((offset, crc, payload))
        own = crc & 0xFFFFFFFF
    path = tmp_path / SEGMENT
    segment.build(path, iter(rows))
    found = collect(path, 0, 1000)

    assert choose(found, 0, 30) == {offset: payload for offset, _, payload in rows}
    assert collect(path, 10, 12).keys() == {10, 11}


def test_of_two_histories_the_one_that_is_linked_to_is_taken() -> None:
    right, wrong = b"right", b"wrong"
    first = [(0, seal(wrong, 0, 0), wrong), (0, seal(right, 0, 0), right)]
    second = (1, seal(b"next", 1, seal(right, 0, 0) & 0xFFFFFFFF), b"next")

    assert choose({0: first, 1: [second]}, 0, 2) == {0: right, 1: b"next"}
    assert choose({0: first[::-1], 1: [second]}, 0, 2) == {0: right, 1: b"next"}


def test_garbage_is_not_mistaken_for_records(tmp_path: Path) -> None:
    import random

    path = tmp_path / SEGMENT
    path.write_bytes(b"".join(b"\x0d" + random.Random(seed).randbytes(4095) for seed in range(200)))

    assert collect(path, 0, 2**62) == {}


def test_offsets_become_ranges() -> None:
    assert ranges([]) == []
    assert ranges([3]) == [(3, 3)]
    assert ranges([1, 2, 3, 5, 7, 8]) == [(1, 3), (5, 5), (7, 8)]


def test_clock_is_not_needed_to_read(shop: Path) -> None:
    with closing(opened(shop, Clock(-1e12))) as log:
        assert len(list(log.read())) == 100
