"""The blend with more to read: what an arm says, lifted; weights that trust whoever knows; who may be a choice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from swerve.engine.judging import Material, evidence
from swerve.evaluate.blended import Blended, Reading, fitted, log_odds
from swerve.evaluate.cases import Pasts
from swerve.protocols import Arm
from swerve.rank.features import BUCKETS, FEATURES, Features
from swerve.rank.fit import LEAST
from swerve.testing.arm import check_arm, material
from swerve.types import Floats, Past


class Oracle:
    """Knows the next item of `swerve.testing.arm`'s users about as well as their strides say."""

    name = "oracle"

    def __init__(self, given: Material, sign: float = 1.0) -> None:
        self._place = {item: int(item[1:]) for item in given.stream.items}
        self._numbers = np.array([self._place[item] for item in given.stream.items])
        self._sign = sign

    def scores(self, pasts: Sequence[Past]) -> Floats:
        """Items 1 to 4 places on are likely."""
        out = np.zeros((len(pasts), len(self._numbers)), np.float32)
        for line, past in zip(out, pasts, strict=True):
            if len(past.rows):
                ahead = (self._numbers - self._numbers[past.rows[-1]]) % len(self._numbers)
                line[:] = self._sign * 4.0 * ((ahead >= 1) & (ahead <= 4))
        return out


def reading(given: Material, *others: Arm) -> Reading:
    derived = given.derived
    features = Features(derived.counters, derived.catalog, given.config.retrieve.fresh_half_life_s)
    return Reading(evidence(given.config, derived, given.stream), features, others)


def trusting(*others: float) -> Floats:
    """Weights that read arms only."""
    return np.tile(np.array([0.0] * len(FEATURES) + list(others), np.float32), (len(BUCKETS), 1))


def test_the_lift_is_the_log_of_one_plus_how_many_times_likelier_than_chance() -> None:
    lifted = log_odds(np.log(np.array([[0.5, 0.25, 0.25, 0.0]], np.float32) + 1e-30))
    assert lifted[0] == pytest.approx(np.log1p([4 * 0.5, 4 * 0.25, 4 * 0.25, 0.0]), abs=1e-5)

    chance = log_odds(np.zeros((2, 5), np.float32))
    assert chance == pytest.approx(np.full((2, 5), np.log(2.0)), abs=1e-6)


def test_the_lift_leaves_out_what_can_never_be_and_stands_large_scores() -> None:
    lifted = log_odds(np.array([[-np.inf, 1e4, 1e4], [-np.inf] * 3], np.float32))

    assert lifted[0] == pytest.approx([0.0, np.log(2.0), np.log(2.0)], abs=1e-6)
    assert lifted[1].tolist() == [0.0, 0.0, 0.0]
    assert log_odds(np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_alone_an_arm_keeps_its_order_and_only_known_items_are_scored() -> None:
    given = material()
    oracle = Oracle(given)
    pasts = [Pasts(given.stream, query_time=False).of(at) for at in given.task.test.tolist()]
    blend = Blended("blend", reading(given, oracle), trusting(1.0))
    scores, said = blend.scores(pasts), oracle.scores(pasts)

    for ours, theirs in zip(scores, said, strict=True):
        known = np.isfinite(ours)
        assert np.array_equal(np.argsort(ours[known], kind="stable"), np.argsort(theirs[known], kind="stable"))
    assert not np.allclose(scores, Blended("b", reading(given, oracle), trusting(0.0)).scores(pasts))


def test_weights_trust_whoever_knows() -> None:
    given = material()
    task, stream = given.task, given.stream
    positions = np.union1d(task.train, task.test)[-2 * LEAST :]
    pasts = Pasts(stream, query_time=False)
    knows, lies = Oracle(given), Oracle(given, sign=-1.0)

    def fit(*others: Arm) -> Floats:
        rng = np.random.default_rng(0)
        found = fitted(reading(given, *others), pasts, positions, stream.rows[positions], rng)
        assert found is not None
        return found

    assert len(positions) == 2 * LEAST
    table = fit(lies, knows)
    assert table.shape == (len(BUCKETS), len(FEATURES) + 2)
    assert (table >= 0).all()
    assert table[-1, -1] > 0.3 > table[-1, -2]


def test_too_few_choices_are_no_fit() -> None:
    given = material()
    few = given.task.test[:5]
    pasts = Pasts(given.stream, query_time=False)
    assert fitted(reading(given), pasts, few, given.stream.rows[few], np.random.default_rng(0)) is None


def test_the_blend_keeps_the_obligations_of_an_arm() -> None:
    assert check_arm(lambda given: Blended("blend", reading(given, Oracle(given)), trusting(1.0))) > 0
