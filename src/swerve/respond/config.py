"""Settings of the respond room: what is left out, how far a "not interested" reaches, how large an answer may be."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class RespondConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How scored candidates become a slate."""

    hide_seen: Literal["none", "consumed", "all"] = "consumed"
    """Items of the user's own history to leave out: `none`; `consumed` = those an action with `consumes` was done to;
    `all` = every item touched. Of items that left `state.touches` only `all` still knows."""
    hide_rejected: bool = True
    """Leave out the items whose rejection is in force."""
    topic_penalty: Annotated[float, Meta(ge=0, lt=1)] = 0.5
    """How much one rejection takes from the scores of items with the same topics; 0 turns it off."""
    topic_half_life_s: Annotated[float, Meta(gt=0)] = 30 * 86_400.0
    """A rejection's reach into its topics, and what was liked in them, halves in this time."""
    like_share: Annotated[float, Meta(ge=0)] = 0.25
    """How many rejections of a topic one positive interaction with it makes up for; 0 = likes protect nothing."""
    n_max: Annotated[int, Meta(ge=1, le=10_000)] = 500
    """Longest slate one request may ask for."""
    max_exclude: Annotated[int, Meta(ge=0, le=100_000)] = 1_000
    """Most items a request may exclude by name."""
    max_filter_chars: Annotated[int, Meta(ge=1, le=100_000)] = 2_000
    """Longest filter expression."""
    max_filter_depth: Annotated[int, Meta(ge=1, le=100)] = 32
    """Deepest nesting of parentheses and `not` in a filter expression."""
