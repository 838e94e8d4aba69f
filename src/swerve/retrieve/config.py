"""Settings of retrieval."""

from __future__ import annotations

import msgspec

from swerve.retrieve.index_config import IndexConfig


class RetrieveConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where candidates come from and how the evidence of each source is weighed."""

    sources: tuple[str, ...] = ("transitions", "onward", "own", "content", "preference", "popular", "fresh")
    """Retrievers asked for every list: built-in names, or `module:factory` of your own."""
    k: int = 300
    """Candidates taken from each source at most."""
    lags: int = 10
    """How many of the user's last items the transition counts are read for."""
    lag_decay: float = 0.7
    """Weight of each earlier item relative to the one after it, 0..1."""
    power: float = 0.5
    """Exponent on the transition probabilities; below 1, several weak hints count more than one strong."""
    discount: float = 0.1
    """Exponent that discounts what is popular anyway; 0 = not at all."""
    smoothing: float = 30.0
    """Pseudo-count that makes rarely seen items speak softly."""
    onward_lags: int = 2
    """From how many of the last items a second step is taken; 0 = none."""
    onward_width: int = 10
    """Strongest followers of each that the second step starts from."""
    repeat: bool = True
    """Whether the user's own earlier items are candidates again."""
    repeat_decay: float = 0.9
    """Weight of each earlier own item relative to the one after it."""
    repeat_last: float = 1.0
    """Extra factor on the very last item, 0..1: 0 never repeats what was just acted on."""
    neighbours: int = 30
    """Content neighbours looked up for each recent item."""
    content_lags: int = 2
    """How many of the user's last items content neighbours are taken from."""
    popular: int = 100
    """Candidates from each popularity window."""
    fresh: int = 50
    """Newest items that are always candidates."""
    fresh_half_life_s: float = 604_800.0
    """Age at which a new item's freshness has halved."""
    index: IndexConfig = IndexConfig()
    """How the nearest vectors are found."""
