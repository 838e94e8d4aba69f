"""What it says about a user *which* items they rated, and about an item *who* rated it, whatever the ratings were.

    x_u = |N(u)|^-1/2 * (1 where u rated the item, else 0)           (Koren 2008: the implicit part of SVD++)

A trait is x_u along one of the strongest directions in which users differ: a thin singular value decomposition, by
randomized subspace iteration (Halko, Martinsson and Tropp 2011). The matrix itself is never made.
"""

from __future__ import annotations

import numpy as np

from swerve.rate.grouped import Grouped
from swerve.types import Floats

EXTRA = 10
"""Directions carried along so that the last of those asked for are good as well."""
TURNS = 4


def traits(own: Grouped, other: Grouped, count: int, rng: np.random.Generator) -> Floats:
    """(n_owners, count) float32 with orthogonal columns, strongest first; fewer where there are fewer directions.

    `own` and `other` are the same ratings, grouped by either side.
    """
    count = min(count, own.n_owners, own.n_others)
    width = min(count + EXTRA, own.n_owners, own.n_others)
    scale = (1 / np.sqrt(np.maximum(own.counts, 1)))[:, None].astype(np.float32)
    basis = rng.standard_normal((own.n_others, width)).astype(np.float32)
    for _ in range(TURNS):
        across = _orthonormal(scale * own.sums(basis))
        basis = _orthonormal(other.sums(scale * across))
    left, strength, _ = np.linalg.svd(scale * own.sums(basis), full_matrices=False)
    found: Floats = (left[:, :count] * strength[:count]).astype(np.float32)
    return found


def _orthonormal(values: Floats) -> Floats:
    columns: Floats = np.linalg.qr(values)[0]
    return columns
