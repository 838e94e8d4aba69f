"""How sure a figure is: users are drawn again, with replacement, and the figure is made anew each time.

Users, not events: what one user does hangs together, and drawing single events would make intervals too narrow.
Efron & Tibshirani 1993, An introduction to the bootstrap, chapter 13 (percentile intervals); for paired comparisons of
systems: Sakai 2006, Evaluating evaluation metrics based on the bootstrap, SIGIR.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.errors import InvalidInput

DRAWS = 2_000
"""Times the users are drawn again, unless told otherwise."""
AT_ONCE = 4_000_000
"""Numbers drawn at once: bounds the memory to about 100 MB."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A mean and the range that holds it in 95 of 100 draws."""

    mean: float
    low: float
    high: float
    p: float
    """Two-sided: how easily the draws come out on the other side of 0; at least 2 / (draws + 1)."""

    @property
    def half(self) -> float:
        """Half the width of the range."""
        return (self.high - self.low) / 2


def mean_interval(
    values: NDArray[np.floating], users: NDArray[np.integer] | None = None, *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """The mean of values (q,) and its 95 % interval; users (q,) ints say whose each is, None = one user each.

    The mean is over all values, so a user with more of them counts for more. The same seed gives the same interval.
    Raises InvalidInput for columns that do not fit together.
    """
    owners = np.arange(len(values)) if users is None else users
    if values.ndim != 1 or values.shape != owners.shape or not len(values) or not np.isfinite(values).all():
        raise InvalidInput("expected finite values and users, (q,) each and not empty", field="values")
    _, inverse = np.unique(owners, return_inverse=True)
    sums = np.bincount(inverse, weights=values).astype(np.float64)
    counts = np.bincount(inverse).astype(np.float64)
    means = _redrawn(sums, counts, draws, np.random.default_rng(seed))
    low, high = np.quantile(means, (0.025, 0.975)).tolist()
    beyond = min(np.count_nonzero(means <= 0), np.count_nonzero(means >= 0))
    p = min(1.0, 2 * (int(beyond) + 1) / (draws + 1))
    return Interval(mean=float(sums.sum() / counts.sum()), low=low, high=high, p=p)


def paired_bootstrap(
    ours: NDArray[np.floating],
    theirs: NDArray[np.floating],
    users: NDArray[np.integer] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The difference of the means, ours - theirs, of two arms judged on the same queries: (q,) values each.

    Both arms see the same draws of users, so what is hard for everybody cancels out. See `mean_interval`.
    """
    if ours.shape != theirs.shape:
        raise InvalidInput("expected values of the same queries", field="values")
    return mean_interval(ours.astype(np.float64) - theirs, users, draws=draws, seed=seed)


def _redrawn(
    sums: NDArray[np.float64], counts: NDArray[np.float64], draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The mean in each draw (draws,): users are drawn, and all values of a drawn user come along."""
    if draws < 1:
        raise InvalidInput("expected draws >= 1", field="draws")
    step = max(1, AT_ONCE // len(sums))
    means = np.empty(draws)
    for start in range(0, draws, step):
        size = min(step, draws - start)
        drawn = rng.integers(0, len(sums), (size, len(sums)), dtype=np.int32)
        means[start : start + size] = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return means
