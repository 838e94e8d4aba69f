"""Learns to predict ratings: Bayesian matrix factorization with biases, by Gibbs sampling.

    (rating(u, i) - mean) / spread ~ N(b_u + b_i + u . i, 1 / (precision a_u a_i))

Users and items lean towards what their *traits* say (which items somebody rated at all tells about their taste), and
have a noise of their own (some rate steadily, some at a whim). Every part is drawn in turn given all others; the
prediction is the average over many such draws, which is why nothing has to be stopped early or regularised by hand.

Salakhutdinov and Mnih 2008 (BPMF); Simm et al. 2017 (Macau, for the traits); Lakshminarayanan et al. 2011 (the noise);
Rendle, Zhang and Koren 2019 on why this is the baseline to beat.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from swerve.errors import InvalidInput
from swerve.rate.config import RateConfig
from swerve.rate.grouped import Grouped, Ints
from swerve.rate.model import Known, RatingModel
from swerve.rate.side import Doubles, Side
from swerve.rate.traits import traits
from swerve.types import Floats

SETTLE = 6
"""Rounds before noise may differ between owners: at first nobody is explained yet."""


def fit(
    users: ArrayLike,
    items: ArrayLike,
    ratings: ArrayLike,
    config: RateConfig | None = None,
    *,
    scale: tuple[float, float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RatingModel:
    """Learn from `ratings[k]` that `users[k]` gave `items[k]`; a pair that comes twice counts twice.

    Ids are whole numbers or strings. `scale` is the lowest and highest rating there is (those seen, if not given).
    `progress` is called with the rounds done and all rounds. One round costs O(ratings dim^2 + (users + items) dim^3).
    Raises InvalidInput when there is nothing to learn from, lengths differ or a rating is not a number on the scale.
    """
    config = config or RateConfig()
    user_ids, of_users = _numbered(users, "users")
    item_ids, of_items = _numbered(items, "items")
    values = _checked(ratings, len(of_users), len(of_items))
    low, high = scale or (float(values.min()), float(values.max()))
    if not low <= values.min() <= values.max() <= high:
        raise InvalidInput("ratings must lie on the scale", field="ratings")
    chain = _Chain(of_users, of_items, values, (len(user_ids), len(item_ids)), config)
    kept_users = np.empty((len(user_ids) + 1, config.kept, config.dim + 1), np.float32)
    kept_items = np.empty((len(item_ids) + 1, config.kept, config.dim + 1), np.float32)
    for number in range(1, config.rounds + 1):
        chain.turn(even=number <= SETTLE)
        draw, between = divmod(number - config.burn, config.every)
        if draw > 0 and between == 0:
            for kept, side in ((kept_users, chain.users), (kept_items, chain.items)):
                kept[:-1, draw - 1] = side.vectors
                kept[-1, draw - 1] = side.stranger()
        if progress is not None:
            progress(number, config.rounds)
    known = Known(user_ids, kept_users), Known(item_ids, kept_items)
    return RatingModel(*known, chain.mean, chain.spread, (low, high))


class _Chain:
    """The Markov chain: both sides and the common precision."""

    def __init__(self, users: Ints, items: Ints, ratings: Floats, sizes: tuple[int, int], config: RateConfig) -> None:
        self._rng = rng = np.random.default_rng(config.seed)
        self.mean = float(ratings.mean(dtype=np.float64))
        self._of_users, self._of_items = users, items
        # Priors and start are made for a spread of 1: so stars, percents and cents are all alike.
        self.spread = float(ratings.std(dtype=np.float64)) or 1.0
        self._rest = ((ratings - self.mean) / self.spread).astype(np.float32)
        by_user, by_item = Grouped(users, items, *sizes), Grouped(items, users, *sizes[::-1])
        width = config.dim + 1
        self.users = Side(by_user, traits(by_user, by_item, config.traits, rng), width, rng)
        self.items = Side(by_item, traits(by_item, by_user, config.traits, rng), width, rng)
        self._precision = 1.0
        self._noise_shape = config.noise_shape

    def turn(self, *, even: bool) -> None:
        """Draw everything once; `even` = the noise is the same for everybody."""
        self._draw(self.users, self.items, self._of_items)
        self._draw(self.items, self.users, self._of_users)
        u, i = self.users, self.items
        explained = np.einsum("nd,nd->n", u.vectors[self._of_users, :-1], i.vectors[self._of_items, :-1])
        explained += u.vectors[self._of_users, -1] + i.vectors[self._of_items, -1]
        misses = np.square(self._rest - explained, dtype=np.float64)
        total = float((misses * u.noise[self._of_users] * i.noise[self._of_items]).sum())
        self._precision = float(self._rng.gamma(1 + len(misses) / 2)) / (1 + total / 2)
        if not even:
            self._draw_noise(u, i, misses, self._of_users, self._of_items)
            self._draw_noise(i, u, misses, self._of_items, self._of_users)

    def _draw_noise(self, own: Side, other: Side, misses: Doubles, of_own: Ints, of_other: Ints) -> None:
        scaled = self._precision * misses * other.noise[of_other]
        summed: Doubles = np.bincount(of_own, scaled, len(own.noise)).astype(np.float64)
        own.draw_noise(summed, self._noise_shape)

    def _draw(self, own: Side, other: Side, of_other: Ints) -> None:
        """One side given the other: a regression of what the other's biases leave on its tastes and a constant."""
        own.draw_prior()
        scale = np.sqrt(other.noise)
        design = other.vectors * scale[:, None]
        design[:, -1] = scale
        target = (self._rest - other.vectors[of_other, -1]) * scale[of_other]
        own.draw_vectors(design, target, self._precision)


def _numbered(ids: ArrayLike, field: str) -> tuple[NDArray[np.generic], Ints]:
    given = np.asarray(ids)
    if given.ndim != 1 or len(given) == 0:
        raise InvalidInput("must be one-dimensional and not empty", field=field)
    if given.dtype.kind not in "iuU":
        raise InvalidInput("must be whole numbers or strings", field=field)
    known, numbers = np.unique(given, return_inverse=True)
    return known, numbers.astype(np.int64)


def _checked(ratings: ArrayLike, *lengths: int) -> Floats:
    given = np.asarray(ratings)
    if given.dtype.kind not in "iuf" or given.ndim != 1:
        raise InvalidInput("must be one-dimensional numbers", field="ratings")
    if {len(given)} != set(lengths):
        raise InvalidInput("users, items and ratings must be equally long", field="ratings")
    values = given.astype(np.float32)
    if not np.isfinite(values).all():
        raise InvalidInput("must be finite", field="ratings")
    return values
