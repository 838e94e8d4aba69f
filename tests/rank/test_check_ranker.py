"""The blend keeps the contract of a ranker, and the check finds those that do not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from swerve.derived import Derived
from swerve.rank.blend import Blend, from_config
from swerve.rank.config import STARTING
from swerve.rank.features import Features
from swerve.testing.ranker import check_ranker
from swerve.types import Candidates, Floats, Query


def blend(derived: Derived) -> Blend:
    return Blend(Features(derived.counters, derived.catalog, 3600.0), from_config(STARTING), 3)


class Strongest:
    """What the loudest source says: another ranker that fits by its methods alone."""

    version = 1

    def score(self, query: Query, candidates: Candidates) -> Floats:
        return candidates.columns.max(axis=0, initial=0.0).astype(np.float32)


class Broken:
    version = 0

    def __init__(self, score: Callable[[Candidates], Floats]) -> None:
        self._score = score

    def score(self, query: Query, candidates: Candidates) -> Floats:
        return self._score(candidates)


def total(candidates: Candidates) -> Floats:
    return candidates.columns.sum(axis=0).astype(np.float32)


def zeroing(candidates: Candidates) -> Floats:
    scores = total(candidates)
    candidates.columns[0, :] = 0
    return scores


def drawing() -> Callable[[Candidates], Floats]:
    rng = np.random.default_rng(0)
    return lambda candidates: rng.random(len(candidates.rows)).astype(np.float32)


def test_the_blend_keeps_the_contract() -> None:
    assert check_ranker(blend) == 7


def test_a_ranker_needs_no_base_class() -> None:
    assert check_ranker(lambda derived: Strongest()) == 7


@pytest.mark.parametrize(
    ("score", "obligation"),
    [
        (lambda candidates: total(candidates)[:-1], "one score a candidate"),
        (lambda candidates: total(candidates).astype(np.float64), "finite float32"),
        (lambda candidates: total(candidates) * np.float32("nan"), "finite float32"),
        (lambda candidates: total(candidates) / np.float32(max(len(candidates.rows), 1)), "other candidates"),
        (drawing(), "the same scores"),
        (zeroing, "the same scores|left alone"),
    ],
)
def test_the_check_names_what_is_broken(score: Callable[[Candidates], Floats], obligation: str) -> None:
    with pytest.raises(AssertionError, match=obligation):
        check_ranker(lambda derived: Broken(score))
