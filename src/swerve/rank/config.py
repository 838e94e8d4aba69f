"""Settings of ranking."""

from __future__ import annotations

import msgspec

STARTING: dict[str, tuple[float, ...]] = {
    "transitions": (7.605, 15.721, 9.827, 6.805),
    "onward": (7.343, 8.54, 5.217, 5.79),
    "own": (1.98, 8.82, 4.576, 1.508),
    "content": (0.145, 0.145, 0.145, 0.144),
    "popular_1h": (1.255, 0.0, 0.0, 0.0),
    "popular_1d": (16.325, 0.0, 0.0, 0.0),
    "popular_7d": (91.516, 0.0, 0.0, 0.0),
    "fresh": (0.0, 0.0, 0.038, 0.162),
}
"""What the shop preset has; a start for projects without a preset of their own."""


class RankConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The blend that serves until this directory has fitted its own."""

    weights: dict[str, tuple[float, ...]] = msgspec.field(default_factory=STARTING.copy)
    """Weight of each feature by history length (0, 1, 2-4, 5+ items), fitted on real data (`benchmarks.fit`)."""
