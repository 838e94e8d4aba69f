"""What a PRQ replay is told, and what it finds: plain columns, from which every table and chart is made."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from swerve.counts.config import CountsConfig
from swerve.derived import Derived
from swerve.evaluate.prq.fit import Tuned
from swerve.evaluate.prq.panel import Rules
from swerve.evaluate.prq.places import Axis
from swerve.evaluate.prq.views import Serve
from swerve.types import Floats

DELAYS = (10.0, 60.0, 600.0, 3_600.0, 86_400.0)
"""Seconds by which feedback is delayed for the freshness curve, besides not at all."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a log is replayed."""

    warm_up: float = 0.6
    """Share of the time axis before anything is judged, 0..1."""
    every: int = 0
    """One of so many events is judged, drawn at random; 0 = so that about `judged` are."""
    judged: int = 10_000
    seed: int = 0
    """Draws the events, and the candidates of the choices that are fitted to."""
    gap_s: float = 1_800.0
    """A pause longer than this ends a session that has no id."""
    delays: tuple[float, ...] = DELAYS
    """Seconds; empty = no freshness curve."""
    tuned: bool = True
    """Whether each age of the state gets weights of its own from the warm-up's end."""


class Project(msgspec.Struct, frozen=True):
    """The project that is replayed, as it would be served."""

    derived: Derived
    """Empty; filled by the replay."""
    rules: Rules
    counts: CountsConfig
    serve: Serve
    blend: Floats
    """(buckets, features) weights in use, not fitted to what is judged."""


class Judged(msgspec.Struct, frozen=True):
    """The judged events as columns of one length n, in log order."""

    person: NDArray[np.int64]
    """Who: the unit that is drawn again in the bootstrap."""
    time: NDArray[np.float64]
    """Unix seconds, on the log's clock."""
    position: NDArray[np.int64]
    """In the session, from 1."""
    person_age_s: NDArray[np.float64]
    item_age_s: NDArray[np.float64]
    """Since the item was published or first acted on, whichever came first."""
    repeat: NDArray[np.bool_]
    """Whether the user had touched the item before."""
    popularity: NDArray[np.int64]
    """How often the item was liked before, by anybody."""
    reached: NDArray[np.bool_]
    """Whether the item was a candidate."""
    ranks: NDArray[np.int32]
    """(n, arms), 1 = best, 0 = missed."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found."""

    axis: Axis
    every: int
    arms: tuple[str, ...]
    """Names of the columns of `judged.ranks`."""
    delays: tuple[float, ...]
    judged: Judged
    shown: NDArray[np.int64]
    """(arms,) how many different items stood in the first ten."""
    items: int
    """How many items there were at the end."""
    hidden: int
    """Events not judged because the filters kept their item from the user."""
    tuned: dict[str, Tuned]
    """What each age of the state was ranked by."""
