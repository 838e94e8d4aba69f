"""Settings of the user model: which kind, and one dial for its size."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Kind = Literal["recurrent", "sasrec", "gru4rec", "hstu"]
Size = Literal["tiny", "small", "medium", "large"]
WINDOW = 32
"""Events that local attention sees, this one included."""
GAPS = 32
"""Buckets of the time between two events; the last one is open (2^30 s is 34 years)."""
LONGEST = 200
"""Events of a history that are read; what came before them is not. The user state keeps as many."""


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides the arrays of a user model; saved with them."""

    kind: Kind = "recurrent"
    items: int
    """Known items; row 0 of every table is the unknown one, so tables have items + 1 rows."""
    actions: int
    """Known actions; row 0 is any other."""
    content: int = 0
    """Length of the items' content vectors; 0: the model knows ids only."""
    dim: int = 64
    blocks: int = 2
    heads: int = 2
    inner: int = 128
    """Channels of the recurrence."""
    spread: int = 2
    """Inner width of the feed-forward, as a multiple of dim."""
    window: int = WINDOW


SIZES: dict[Size, dict[str, int]] = {
    "tiny": {"dim": 32, "blocks": 1, "heads": 2, "inner": 64},
    "small": {"dim": 64, "blocks": 2, "heads": 2, "inner": 128},
    "medium": {"dim": 128, "blocks": 3, "heads": 4, "inner": 256},
    "large": {"dim": 256, "blocks": 4, "heads": 4, "inner": 512},
}
"""What the dial sets. `small` is what two cores train in half an hour on a million events."""


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The user model that `swerve train --model` makes."""

    kind: Kind = "recurrent"
    """The architecture: `recurrent` (the default, one cheap step an event), `sasrec`, `gru4rec` or `hstu`."""
    size: Size = "small"
    """One dial for width, depth and heads."""
    users: Annotated[int, Meta(ge=1, le=10_000_000)] = 2_000
    """Users whose state is remembered between requests (`small`: 35 kB each); of others it is made anew, in 5 ms."""

    def shape(self, *, items: int, actions: int, content: int) -> Shape:
        """The arrays' shapes for this many items, actions and content dimensions."""
        return Shape(kind=self.kind, items=items, actions=actions, content=content, **SIZES[self.size])
