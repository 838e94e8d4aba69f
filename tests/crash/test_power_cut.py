"""D2: a power cut at any instant loses, doubles and alters nothing acknowledged. Needs root; D2b needs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from swerve.errors import LogDamaged
from tests.crash.cut import CannotCutError, Machine, cut_cycles, machine
from tests.crash.story import Verdict

pytestmark = pytest.mark.requires_root


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Machine]:
    """A disk whose power can be cut."""
    try:
        with machine(tmp_path) as found:
            yield found
    except CannotCutError as error:
        pytest.skip(f"no power cut here, only the simulated one: {error}")


def test_D2_power_cut_loses_nothing_acknowledged(computer: Machine) -> None:
    outcome = cut_cycles(computer, cycles=12, seed=1)

    assert outcome.verdict == Verdict(lost=0, doubled=0, altered=0, partial=0)
    assert outcome.acked > 200


@pytest.mark.slow
def test_D2_power_cut_100_times(computer: Machine) -> None:
    outcome = cut_cycles(computer, cycles=100, seed=2)

    assert outcome.verdict == Verdict(lost=0, doubled=0, altered=0, partial=0)
    assert outcome.acked > 2_000


def test_D2_the_harness_sees_a_build_that_does_not_sync(computer: Machine) -> None:
    assert any(_loses(computer, seed) for seed in range(3, 8))


def _loses(computer: Machine, seed: int) -> bool:
    """Whether some cuts of the broken build were noticed; on a busy machine a child may not come to much."""
    try:
        return cut_cycles(computer, cycles=10, seed=seed, build="never_syncs").verdict.lost > 0
    except LogDamaged:  # the watermark was synced, the records were not: refused, and rightly so
        return True
