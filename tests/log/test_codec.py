"""Rows: what is stored comes back, and the checksum sees every change."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swerve.errors import LogDamaged, LogFailed, StorageFull
from swerve.log.codec import BrokenChainError, decode, decode_stub, encode, own_of, seal, tombstone_own, walk
from swerve.log.dedupe import Sorted, number
from swerve.log.files import storage_error, write_durably
from swerve.log.reader import record_of
from swerve.testing.events import examples
from swerve.types import Record
from tests.log.helpers import NOW_S, record

RECORDS = [
    Record(event=event, received=NOW_S + place, time=NOW_S - place, gain=place - 3.5, flags=("late",) * (place % 2))
    for place, event in enumerate(examples())
]


@pytest.mark.parametrize("one", RECORDS)
def test_a_record_comes_back_as_it_was(one: Record) -> None:
    back = decode(encode(one), 12)

    assert back.offset == 12
    assert (back.event, back.received, back.time, back.gain, back.flags) == (
        one.event, one.received, one.time, one.gain, one.flags,
    )  # fmt: skip
    assert decode_stub(encode(one)).event.event_id == one.event.event_id


def test_a_payload_that_is_no_record_is_damage() -> None:
    with pytest.raises(LogDamaged) as caught:
        record_of(5, b"\xc1")

    assert (caught.value.first, caught.value.last) == (5, 5)


def chain(payloads: list[bytes], start: int = 0, previous: int = 0) -> list[tuple[int, int, bytes]]:
    rows = []
    for offset, payload in enumerate(payloads, start):
        rows.append((offset, seal(payload, offset, previous), payload))
        previous = own_of(rows[-1][1])
    return rows


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=10), st.integers(0, 2**40))
def test_a_chain_verifies_from_any_offset(payloads: list[bytes], start: int) -> None:
    rows = chain(payloads, start, previous=99)
    end, own = walk(rows, start, 99)

    assert end == start + len(rows)
    assert own == (own_of(rows[-1][1]) if payloads[-1] else None)
    assert walk(rows, start, None) == (end, own), "an unknown predecessor is not compared"
    assert all(0 <= crc < 2**63 for _, crc, _ in rows), "a signed integer holds it"
    with pytest.raises(BrokenChainError):
        walk(rows, start, 98)


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=2, max_size=8), st.integers(0, 10**6), st.integers(0, 7))
def test_one_flipped_bit_is_seen_in_its_place(payloads: list[bytes], spot: int, bit: int) -> None:
    rows = chain(payloads)
    place = spot % len(rows)
    offset, crc, payload = rows[place]
    at = spot % len(payload)
    rows[place] = offset, crc, payload[:at] + bytes([payload[at] ^ 1 << bit]) + payload[at + 1 :]

    with pytest.raises(BrokenChainError) as caught:
        walk(rows, 0, 0)

    assert caught.value.offset == place


@pytest.mark.parametrize(
    ("change", "offset"),
    [
        (lambda rows: rows[:2] + rows[3:], 2),
        (lambda rows: [rows[1], rows[0], *rows[2:]], 0),
        (lambda rows: [*rows[:3], (3, str(rows[3][1]), rows[3][2]), *rows[4:]], 3),
        (lambda rows: [*rows[:3], (3, rows[3][1], "text"), *rows[4:]], 3),
        (lambda rows: [*rows[:3], (3, rows[3][1], None), *rows[4:]], 3),
        (lambda rows: [*rows[:3], (3, rows[3][1] ^ 1 << 40, rows[3][2]), *rows[4:]], 3),
        (lambda rows: [*rows, rows[-1]], 5),
    ],
)
def test_rows_that_make_no_sense_are_named(change: object, offset: int) -> None:
    rows = chain([b"a", b"b", b"c", b"d", b"e"])

    with pytest.raises(BrokenChainError) as caught:
        walk(change(rows), 0, 0)  # type: ignore[operator]

    assert caught.value.offset == offset


def test_a_tombstone_ends_what_is_known_of_the_chain() -> None:
    rows = chain([b"a", b""])

    assert walk(rows, 0, 0) == (2, None)
    assert own_of(rows[1][1]) == tombstone_own(1) == crc32(b"", 1)


def test_numbering_seals_a_group_as_one_chain() -> None:
    outcomes = [Sorted([record("a"), record("b")], (2,), ()), Sorted([], (), (0,)), Sorted([record("c")], (), ())]
    rows, answers = number(outcomes, 10, 77)

    assert walk(rows, 10, 77)[0] == 13
    assert [[one.offset for one in answer.new] for answer in answers] == [[10, 11], [], [12]]
    assert [(answer.duplicates, answer.conflicts) for answer in answers] == [((2,), ()), ((), (0,)), ((), ())]


# --- files --------------------------------------------------------------------------------------------------


def test_a_file_is_synced_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def fsync(fd: int) -> None:
        steps.append(f"sync {Path(os.readlink(f'/proc/self/fd/{fd}')).name}")
        real_sync(fd)

    def replace(old: Path, new: Path) -> None:
        steps.append(f"rename {old.name} {new.name}")
        real_replace(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_durably(tmp_path / "mark", b"one", b"two")

    assert steps == ["sync mark.new", "rename mark.new mark", f"sync {tmp_path.name}"]
    assert (tmp_path / "mark").read_bytes() == b"onetwo"


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("said SQLite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "full"), StorageFull),
        (OSError(errno.EDQUOT, "quota"), StorageFull),
        (sqlite_error(sqlite3.SQLITE_FULL), StorageFull),
        (sqlite_error(sqlite3.SQLITE_IOERR_SHMSIZE), StorageFull),
        (OSError(errno.EIO, "broken"), LogFailed),
        (sqlite_error(sqlite3.SQLITE_IOERR_FSYNC), LogFailed),
        (sqlite_error(sqlite3.SQLITE_CORRUPT), LogFailed),
        (sqlite3.OperationalError("no code"), LogFailed),
    ],
)
def test_only_a_full_disk_may_be_tried_again(error: OSError | sqlite3.Error, kind: type[Exception]) -> None:
    assert type(storage_error(error, "the commit")) is kind
