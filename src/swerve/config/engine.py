"""Settings of the engine itself. Here because the engine stands above the tree."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often derived state is saved, and what is kept of answered slates."""

    snapshot_every: Annotated[int, Meta(ge=1_000)] = 500_000
    """Records folded between two snapshots; one more is saved when the engine closes."""
    snapshots: Annotated[int, Meta(ge=1, le=100)] = 2
    """Snapshots kept."""
    slates: Annotated[int, Meta(ge=0, le=1_000_000)] = 4_096
    """Answered slates remembered in memory for explanations; older ones are read from the log."""
    log_impressions: bool = True
    """Whether every answered slate is written to the log as an impression."""
    exploration: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Chance, per place, that a candidate is drawn at random instead of by score (epsilon-greedy)."""
