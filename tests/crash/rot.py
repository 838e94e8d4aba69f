"""Bits that rot: a log with every kind of file, ways to damage a file, and the judge of what opening makes of it."""

from __future__ import annotations

import itertools
import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from swerve.errors import LogDamaged
from swerve.log import LogConfig, SqliteLog, repair
from swerve.log import ids as ids_module
from swerve.types import Batch, Record
from tests.crash.story import START_S, batch

BLOCK = 4096
CONFIG = LogConfig(segment_events=150)
SPOTS = 200
"""Damage is done at every 1/200 of a file."""


class Rotting(NamedTuple):
    """A directory as a killed process left it, an older state of it, and what is in it."""

    now: Path
    before: Path
    records: list[Record]


def clock() -> float:
    """The time everything was received."""
    return START_S


def make(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Rotting:
    """Two full segments, a live one with half of its records in the write-ahead log, id runs, large records too."""
    monkeypatch.setattr(ids_module, "RUN_IDS", 60)
    live, before, now = folder / "live", folder / "before", folder / "now"
    rng = random.Random(11)
    with closing(SqliteLog(live, CONFIG, clock)) as log:
        while log.head() < 450:
            text = 9000 if rng.random() < 0.03 else 60
            log.append([batch(f"r{log.head()}", rng, largest=12, text=text)])
            if log.head() > 400 and not before.exists():
                log._segments.live.checkpoint()
                shutil.copytree(live, before)
    with closing(SqliteLog(live, CONFIG, clock)) as log:
        for place in range(8):
            log.append([batch(f"w{place}", rng, largest=8)])
        shutil.copytree(live, now)
        return Rotting(now, before, list(log.read()))


# --- damages: (bytes of the file, bytes of its older state, where 0..1, rng) -> bytes -------------------------

Damage = Callable[[bytes, bytes, float, random.Random], bytes]


def _at(data: bytes, where: float, size: int = 1) -> int:
    return min(int(where * len(data)), max(len(data) - size, 0))


def flip(data: bytes, _: bytes, where: float, rng: random.Random) -> bytes:
    """One bit."""
    at = _at(data, where)
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def zero(data: bytes, _: bytes, where: float, rng: random.Random) -> bytes:
    """4 KiB of nothing."""
    at = _at(data, where) // BLOCK * BLOCK
    return data[:at] + bytes(len(data[at : at + BLOCK])) + data[at + BLOCK :]


def cut(data: bytes, _: bytes, where: float, rng: random.Random) -> bytes:
    """The end is missing."""
    return data[: _at(data, where)]


def swap(data: bytes, _: bytes, where: float, rng: random.Random) -> bytes:
    """Two blocks change places."""
    one, two = sorted((_at(data, where) // BLOCK * BLOCK, rng.randrange(len(data)) // BLOCK * BLOCK))
    first, second = data[one : one + BLOCK], data[two : two + BLOCK]
    return data if one == two else data[:one] + second + data[one + BLOCK : two] + first + data[two + BLOCK :]


def double(data: bytes, _: bytes, where: float, rng: random.Random) -> bytes:
    """A block is written over another one."""
    source, target = _at(data, where) // BLOCK * BLOCK, rng.randrange(len(data)) // BLOCK * BLOCK
    return data[:target] + data[source : source + BLOCK] + data[target + BLOCK :]


def stale_block(data: bytes, old: bytes, where: float, rng: random.Random) -> bytes:
    """A block as it was before: a write that the disk lost."""
    at = _at(data, where) // BLOCK * BLOCK
    return data[:at] + old[at : at + BLOCK].ljust(len(data[at : at + BLOCK]), b"\0") + data[at + BLOCK :]


def stale(data: bytes, old: bytes, where: float, rng: random.Random) -> bytes:
    """The whole file as it was before."""
    return old


DAMAGES: Sequence[Damage] = (flip, zero, cut, swap, double, stale_block, stale)


def damage(rotting: Rotting, trial: Path, name: str, how: Damage, spot: int, rng: random.Random) -> bool:
    """Put a copy of the log, with one file damaged, into `trial`; False when that changed nothing."""
    shutil.rmtree(trial, ignore_errors=True)
    shutil.copytree(rotting.now, trial, ignore=shutil.ignore_patterns("*-shm"))
    path, old = trial / "log" / name, rotting.before / "log" / name
    data = path.read_bytes()
    changed = how(data, old.read_bytes() if old.exists() else b"", (spot + rng.random()) / SPOTS, rng)
    path.write_bytes(changed)
    return changed != data


def judge(rotting: Rotting, trial: Path, where: str) -> str:
    """What opening made of the damage: `identical`, `saved` (by repair, everything) or `repaired` (some is lost).

    Raises AssertionError for anything else: a difference that nobody mentioned, a refusal that changed a file, a
    repair that lost more or less than it said.
    """
    try:
        return _intact(trial, rotting.records, where)
    except LogDamaged as error:
        refused = error
    assert refused.segment, where
    assert refused.first <= refused.last, where
    lost: set[int] = set()
    for finding in repair(trial):
        if finding.lost:
            lost |= set(range(finding.first, finding.last + 1))
    assert not lost or refused.first <= max(lost), where
    kept = [record for record in rotting.records if record.offset not in lost]
    _intact(trial, kept, f"{where}, after a repair that lost {sorted(lost)}")
    assert any((trial / "log" / "quarantine").rglob("*")), where
    assert not [finding for finding in repair(trial) if finding.kind != "note"], where
    return "repaired" if lost else "saved"


def _intact(trial: Path, expected: list[Record], where: str) -> str:
    before = _contents(trial)
    try:
        log = SqliteLog(trial, CONFIG, clock)
    except LogDamaged:
        assert _contents(trial) == before, f"{where}: a refusal changed something"
        raise
    with closing(log):
        left = list(log.read())
        assert [record.offset for record in left] == [record.offset for record in expected], where
        assert left == expected, where
        known = [record for record in expected if record.event.event_id][::9]
        (again,) = log.append([Batch(tuple(known))])
        assert len(again.duplicates) == len(known), f"{where}: {len(again.new)} ids forgotten"
        log.append([batch("after", random.Random(1), largest=1)])
    with closing(SqliteLog(trial, CONFIG, clock)) as log:
        assert sum(1 for _ in log.read()) == len(expected) + 1, where
    return "identical"


def _contents(trial: Path) -> dict[str, bytes]:
    files = (path for path in (trial / "log").rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {path.name: path.read_bytes() for path in files}


def rot(rotting: Rotting, trial: Path, count: int, rng: random.Random) -> Counter[str]:
    """`count` damages, spread over all files, kinds and places; how often each outcome was met."""
    names = sorted(path.name for path in (rotting.now / "log").iterdir() if not path.name.endswith("-shm"))
    turns = ((name, how) for how in itertools.cycle(DAMAGES) for name in names)
    seen: Counter[str] = Counter()
    while sum(seen.values()) < count:
        name, how = next(turns)
        spot = rng.randrange(SPOTS)
        if damage(rotting, trial, name, how, spot, rng):
            where = f"{how.__name__} of {name} at {spot}/{SPOTS} (damage {sum(seen.values())})"
            seen[judge(rotting, trial, where)] += 1
    return seen
