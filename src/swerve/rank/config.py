"""Settings of ranking."""

from __future__ import annotations

import msgspec


class RankConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The blend that serves until this directory has fitted its own."""

    weights: dict[str, tuple[float, ...]] = {}
    """Weight of each feature by history length (0, 1, 2-4, 5+ items), fitted on real data (`benchmarks.fit`)."""
