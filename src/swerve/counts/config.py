"""Settings of the population counters."""

from __future__ import annotations

import msgspec


class CountsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How interactions of all users become transition counts and popularity."""

    window: int = 10
    """An interaction is counted as following each of the user's last `window` items, weighted 1 / distance."""
    reverse: float = 0.0
    """Weight of the opposite direction (from the later item to the earlier one), 0..1; sessions like 1, series 0."""
    successors: int = 512
    """At most this many followers are kept per item; the weakest go first, at every `prune_every` interactions."""
    prune_every: int = 65_536
    """Counted interactions between two prunings; between them a row may be longer."""
    half_life_s: float = 0.0
    """Transitions lose half their weight in this time; 0 = never."""
    chunk: int = 512
    """Interactions counted at once while lists are being served; bounds how long a list waits for the counters."""
