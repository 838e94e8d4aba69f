"""D1: a process killed at any instant, also while it recovers, loses, doubles and alters nothing it acknowledged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.kill import kill_cycles
from tests.crash.story import Verdict


def test_D1_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    outcome = kill_cycles(tmp_path, cycles=50, seed=1)

    assert outcome.verdict == Verdict(lost=0, doubled=0, altered=0, partial=0)
    assert outcome.acked >= 5_000


@pytest.mark.slow
def test_D1_kill_9_200_times(tmp_path: Path) -> None:
    outcome = kill_cycles(tmp_path, cycles=200, seed=2, longest_ms=500.0)

    assert outcome.verdict == Verdict(lost=0, doubled=0, altered=0, partial=0)
    assert outcome.acked >= 50_000


@pytest.mark.parametrize(
    ("build", "fault"),
    [
        ("acks_first", "lost"),
        ("forgets_ids", "doubled"),
        ("commits_row_by_row", "partial"),
        ("alters", "altered"),
    ],
)
def test_D1_the_harness_sees_a_broken_build(tmp_path: Path, build: str, fault: str) -> None:
    outcome = kill_cycles(tmp_path, cycles=12, seed=3, build=build)

    assert getattr(outcome.verdict, fault) > 0
