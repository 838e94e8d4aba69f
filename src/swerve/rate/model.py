"""What was learned from ratings: predictions for any pair, also of users and items never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from swerve.errors import InvalidInput
from swerve.types import Floats

CHUNK_BYTES = 2**24


@dataclass(frozen=True)
class Known:
    """Ids of one side and their vectors, one line more for those unknown."""

    ids: NDArray[np.generic]
    """(n,) sorted."""
    vectors: Floats
    """(n + 1, kept, width): one vector per kept draw; the last line is what is expected of a stranger."""

    def rows(self, ids: NDArray[np.generic]) -> NDArray[np.int64]:
        """Line of each id; the last one where it is unknown."""
        if not (_whole(ids) and _whole(self.ids)) and ids.dtype.kind != self.ids.dtype.kind:
            raise InvalidInput(f"must be of the kind they were fitted with ({self.ids.dtype})", field="ids")
        found = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[found] == ids, found, len(self.ids))


@dataclass(frozen=True)
class RatingModel:
    """Predicts ratings. Threads may share it: nothing in it changes."""

    users: Known
    items: Known
    mean: float
    """Of the ratings it was fitted to."""
    spread: float
    """Their standard deviation: what the vectors count in."""
    scale: tuple[float, float]
    """Lowest and highest rating there is."""

    def predict(self, users: ArrayLike, items: ArrayLike) -> Floats:
        """(n,) float32 on the scale: the expected rating of `items[k]` by `users[k]`.

            mean + spread * average over the kept draws of (b_u + b_i + u . i)

        Of an unknown user only the item counts and the other way round; of two unknowns, the mean user and item.
        Raises InvalidInput when the two differ in length or hold another kind of id than those fitted.
        """
        user_ids, item_ids = np.atleast_1d(np.asarray(users)), np.atleast_1d(np.asarray(items))
        if user_ids.ndim != 1 or user_ids.shape != item_ids.shape:
            raise InvalidInput("users and items must be one-dimensional and equally long", field="users")
        of_users, of_items = self.users.rows(user_ids), self.items.rows(item_ids)
        out = np.empty(len(of_users), np.float32)
        _, kept, width = self.users.vectors.shape
        step = max(CHUNK_BYTES // (8 * kept * width), 1)
        for first in range(0, len(out), step):
            part = slice(first, first + step)
            out[part] = self._raw(self.users.vectors[of_users[part]], self.items.vectors[of_items[part]])
        return np.clip(out, *self.scale, out=out)

    def _raw(self, users: Floats, items: Floats) -> Floats:
        biases = users[:, :, -1] + items[:, :, -1]
        tastes = np.einsum("nkd,nkd->nk", users[:, :, :-1], items[:, :, :-1])
        raw: Floats = np.float32(self.mean) + np.float32(self.spread) * (biases + tastes).mean(axis=1)
        return raw


def _whole(ids: NDArray[np.generic]) -> bool:
    return ids.dtype.kind in "iu"
