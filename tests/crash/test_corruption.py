"""D4: damage is never passed over in silence.

Either the data is identical, or opening refuses, names the place and changes nothing, and a repair then loses exactly
what it says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from swerve.log import recovery, salvage, watermark
from tests.crash.rot import make, rot


def test_D4_600_damages_make_no_silent_difference(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = rot(make(quick_path, monkeypatch), quick_path / "trial", 600, random.Random(1))

    assert seen["identical"] > 150, "notes and id files are damaged too"
    assert seen["saved"] > 30, "SQLite gives up, page by page reading does not"
    assert seen["repaired"] > 80


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_D4_many_damages_make_no_silent_difference(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rot(make(quick_path, monkeypatch), quick_path / "trial", 1500, random.Random(seed))


def _trusts_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    """No checksum of our own: what SQLite returns is believed."""

    def believe(rows: Iterable[Any], start: int, previous: int | None) -> tuple[int, int | None]:
        end = start
        for offset, _, _ in rows:
            end = offset + 1
        return end, None

    monkeypatch.setattr(recovery, "walk", believe)
    monkeypatch.setattr("swerve.log.reader.walk", believe)
    monkeypatch.setattr(recovery._Look, "_own", lambda self, path, offset: self._mark.own)


def _has_no_watermark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody remembers what was acknowledged: the log ends where SQLite stops reading."""
    monkeypatch.setattr(watermark, "load", lambda folder: (None, []))


def _finds_fewer_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repair does not mention every record it lost."""
    monkeypatch.setattr(salvage, "ranges", lambda offsets: [(offsets[0], offsets[0])] if offsets else [])


@pytest.mark.parametrize("breaks", [_trusts_sqlite, _has_no_watermark, _finds_fewer_losses])
def test_D4_the_harness_sees_a_broken_build(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[pytest.MonkeyPatch], None]
) -> None:
    rotting = make(quick_path, monkeypatch)
    breaks(monkeypatch)

    with pytest.raises(AssertionError):
        rot(rotting, quick_path / "trial", 200, random.Random(1))
