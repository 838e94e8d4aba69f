"""One side of the model, all users or all items, and how each of its parts is drawn given everything else.

    owner  w_o ~ N(mu + B' t_o, L^-1)          t_o: traits of the owner
    link   B   ~ N(0, (pull L)^-1)             per trait; Macau (Simm et al. 2017)
    mean   mu, L ~ Normal-Wishart              BPMF (Salakhutdinov and Mnih 2008)
    noise  a_o ~ Gamma(shape/2, shape/2)       ratings of o have the precision a_o, relative to the others

`w_o` is `dim` tastes and, last, a bias. What a rating is made of is known only to `fit`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from swerve.rate.grouped import Block, Grouped
from swerve.types import Floats

Doubles = NDArray[np.float64]

PRIOR_COUNT = 2.0
"""How many owners the prior of the mean is worth."""
START = 0.1
"""Spread of the tastes before the first round."""


class Side:
    """State of one side: `vectors` (n, width) float32 and `noise` (n,) float32, with the priors behind them."""

    def __init__(self, ratings: Grouped, traits: Floats, width: int, rng: np.random.Generator) -> None:
        self.ratings = ratings
        self.vectors: Floats = (START * rng.standard_normal((ratings.n_owners, width))).astype(np.float32)
        self.vectors[:, -1] = 0
        self.noise: Floats = np.ones(ratings.n_owners, np.float32)
        self._rng = rng
        self._traits = traits
        self._energy: Doubles = np.square(traits, dtype=np.float64).sum(axis=0)
        self._mean: Doubles = np.zeros(width)
        self._link: Doubles = np.zeros((traits.shape[1], width))
        self._precision: Doubles = np.eye(width)
        self._pull = 10.0

    def stranger(self) -> Floats:
        """(width,): what is expected of an owner nothing is known of."""
        return self._mean.astype(np.float32)

    def draw_prior(self) -> None:
        """Draw mu, L, B and the pull on B, given the vectors."""
        rng, (n, width), (count, _) = self._rng, self.vectors.shape, self._link.shape
        rest = self.vectors - self._linked()
        centre = rest.mean(axis=0, dtype=np.float64)
        apart = rest.astype(np.float64) - centre
        spread = apart.T @ apart + self._pull * (self._link.T @ self._link) + np.eye(width)
        spread += n * PRIOR_COUNT / (n + PRIOR_COUNT) * np.outer(centre, centre)
        self._precision = _wishart(rng, spread, width + n + count)
        root = np.linalg.cholesky(np.linalg.inv(self._precision))
        self._mean = (n * centre + np.sqrt(n + PRIOR_COUNT) * (root @ rng.standard_normal(width))) / (n + PRIOR_COUNT)
        # The traits are orthogonal: no system has to be solved, each one's line is drawn by itself.
        variance: Doubles = 1 / (self._energy + self._pull)[:, None]
        fitted = self._traits.T @ (self.vectors - self._mean.astype(np.float32))
        self._link = variance * fitted + np.sqrt(variance) * (rng.standard_normal((count, width)) @ root.T)
        size = float(np.einsum("td,de,te->", self._link, self._precision, self._link))
        self._pull = float(rng.gamma(1 + self._link.size / 2)) / (1 + size / 2)

    def draw_vectors(self, design: Floats, target: Floats, precision: float) -> None:
        """Draw every owner's vector given its ratings: Bayesian linear regression of `target` on `design`.

        `design` (n_others, width) and `target` (ratings,) are already scaled by the other side's noise.
        """
        expected = self._linked() + self._mean.astype(np.float32)
        prior = self._precision.astype(np.float32)
        for block, squares, crosses in self.ratings.moments(design, target):
            self.vectors[block.owners] = self._drawn(block, squares, crosses, expected, prior, precision)

    def _drawn(
        self, block: Block, squares: Floats, crosses: Floats, expected: Floats, prior: Floats, precision: float
    ) -> Floats:
        own = np.float32(precision) * self.noise[block.owners]
        system = own[:, None, None] * squares + prior
        right = own[:, None] * crosses + expected[block.owners] @ prior
        # x = system^-1 (right + R z) with R R' = system has the mean system^-1 right and the covariance system^-1.
        shake = self._rng.standard_normal((*right.shape, 1), np.float32)
        shaken: Floats = np.linalg.cholesky(system) @ shake
        right += shaken[:, :, 0]
        drawn: Floats = np.linalg.solve(system, right[:, :, None])[:, :, 0]
        return drawn

    def draw_noise(self, misses: Doubles, shape: float) -> None:
        """Draw every owner's relative precision, given `misses` (n,): squared errors, scaled by the rest and summed."""
        gamma = self._rng.gamma((shape + self.ratings.counts) / 2)
        self.noise = (gamma / ((shape + misses) / 2)).astype(np.float32)

    def _linked(self) -> Floats:
        linked: Floats = self._traits @ self._link.astype(np.float32)
        return linked


def _wishart(rng: np.random.Generator, spread: Doubles, degrees: int) -> Doubles:
    """One draw of W(spread^-1, degrees) by Bartlett's decomposition: (width, width), symmetric."""
    width = len(spread)
    lower = np.tril(rng.standard_normal((width, width)), -1)
    lower[np.diag_indices(width)] = np.sqrt(rng.chisquare(degrees - np.arange(width)))
    root = np.linalg.cholesky(np.linalg.inv(spread)) @ lower
    drawn: Doubles = root @ root.T
    return drawn
