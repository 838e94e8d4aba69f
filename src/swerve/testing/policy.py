"""What every Policy owes its callers, as a check to run on your own: `check_policy(MyPolicy)`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from swerve.protocols import Policy
from swerve.testing.obligations import owes
from swerve.types import Floats, Rows

_owes = owes("a Policy owes its callers")

_DRAWS = 4_000
_SIGMAS = 5.0
"""How far a count may lie from what was stated, in standard deviations: chance alone hardly ever goes so far."""


def check_policy(factory: Callable[[], Policy]) -> int:
    """Hold a policy to the obligations of `Policy`; raises AssertionError saying which one it breaks.

    Looks at shapes, distinct places, determinism under a seed, and compares the stated propensities with how often
    each item stands in each place over thousands of draws. Returns how many checks were made.
    """
    checks = [_shapes, _leaves_input_alone, _seeded, _propensities]
    for check in checks:
        check(factory())
    return len(checks)


def _case(m: int, seed: int = 0) -> tuple[Rows, Floats]:
    """m candidates with rows far from their indices, and distinct scores in random order."""
    rng = np.random.default_rng(seed)
    rows = (1_000 + 3 * rng.permutation(m)).astype(np.int32)
    return rows, rng.permutation(np.linspace(-1.0, 2.0, m)).astype(np.float32)


def _shapes(policy: Policy) -> None:
    _owes(bool(policy.name), "a name")
    for m, n in ((0, 5), (1, 1), (3, 0), (3, 10), (10, 10), (40, 7), (1_000, 50)):
        rows, scores = _case(m)
        chosen, propensities = policy.choose(rows, scores, n, np.random.default_rng(m))
        _owes(len(chosen) == min(n, m), "as many places as asked for, or all candidates")
        _owes(chosen.dtype == np.int32 and propensities.dtype == np.float32, "int32 indices, float32 propensities")
        _owes(chosen.shape == propensities.shape, "one propensity a place")
        _owes(bool(np.all((chosen >= 0) & (chosen < m))), "indices into the candidates, not rows")
        _owes(len(np.unique(chosen)) == len(chosen), "no candidate twice")
        _owes(bool(np.all((propensities > 0) & (propensities <= 1))), "propensities above 0, at most 1")


def _leaves_input_alone(policy: Policy) -> None:
    rows, scores = _case(30)
    before = rows.copy(), scores.copy()
    policy.choose(rows, scores, 5, np.random.default_rng(0))
    _owes(bool(np.array_equal(rows, before[0]) and np.array_equal(scores, before[1])), "its input left alone")


def _seeded(policy: Policy) -> None:
    rows, scores = _case(30)
    for seed in range(20):
        one, other = (policy.choose(rows, scores, 8, np.random.default_rng(seed))[0] for _ in range(2))
        _owes(bool(np.array_equal(one, other)), "chance from the given generator only")


def _propensities(policy: Policy) -> None:
    """Monte Carlo: whatever was stated for (item, place) must be how often that item stands there."""
    for m, n in ((12, 4), (5, 3), (4, 4)):
        rows, scores = _case(m, seed=m)
        stated, shown = _drawn(policy, rows, scores, n)
        known = ~np.isnan(stated)
        spread = np.sqrt(stated * (1 - stated) * _DRAWS)
        far = np.abs(shown - stated * _DRAWS) > _SIGMAS * spread + 1
        _owes(not np.any(far & known), "propensities that are true: P(this item in this place)")


def _drawn(policy: Policy, rows: Rows, scores: Floats, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(places, m) each: the mean propensity stated (nan = never shown), and how often the item stood there."""
    places = min(n, len(rows))
    total, shown = np.zeros((places, len(rows))), np.zeros((places, len(rows)))
    rng = np.random.default_rng(1)
    for _ in range(_DRAWS):
        chosen, propensities = policy.choose(rows, scores, n, rng)
        total[np.arange(places), chosen] += propensities
        shown[np.arange(places), chosen] += 1
    return np.divide(total, shown, out=np.full_like(total, np.nan), where=shown > 0), shown
