"""What the engine's counts say of every item for every user: the features that its blend reads.

As in `counting`, an engine of the media preset observes every user's items but the last `back`, then is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import swerve
from benchmarks.counting import QUIET, ManualClock
from benchmarks.fit import observe_all
from benchmarks.streams import START_S
from swerve.model.checkpoint import rows_of
from swerve.rank.blend import from_config
from swerve.rank.features import FEATURES, Features
from swerve.retrieve.merge import gather, only
from swerve.retrieve.sources import Reach, build


class Counts:
    """The engine's view of all users, each before item number -`back`."""

    def __init__(self, sequences: Sequence[Sequence[str]], back: int, items: Sequence[str]) -> None:
        """`items`: id of rows 1, 2, … of the answers; one that the engine has not met has zeros."""
        clock = ManualClock(START_S)
        with swerve.open(None, preset="media", config=QUIET, clock=clock) as engine:
            observe_all(
                engine,
                (
                    swerve.Interaction(user=str(user), item=item, action="complete")
                    for user, own in enumerate(sequences)
                    for item in own[:-back]
                ),
            )
            rooms = engine._rooms  # the features before they are weighted are on no public path
        retrieve = rooms.config.retrieve
        derived = rooms.derived
        self.served = from_config(rooms.config.rank.weights)
        """Weights as the preset serves them, (buckets, FEATURES)."""
        self._derived, self._now, self._k = derived, clock.now, retrieve.k
        self._retrievers = build(
            retrieve.sources, Reach(derived.counters, derived.catalog, derived.neighbours, retrieve)
        )
        self._features = Features(derived.counters, derived.catalog, retrieve.fresh_half_life_s)
        self._all = np.arange(derived.catalog.size, dtype=np.int32)
        row_of = rows_of(items)
        self._columns = np.array([row_of[item] for item in derived.catalog.ids])
        self._width = len(items) + 1

    def of(self, user: int) -> np.ndarray:
        """(features, items + 1) float32 in the order of FEATURES."""
        query = self._derived.query(self._derived.users.state(str(user), ""), self._now, 1, self._k)
        values = np.zeros((len(FEATURES), self._width), np.float32)
        candidates = only(gather(query, self._retrievers), self._all)
        values[:, self._columns] = self._features.of(query, candidates)
        return values
