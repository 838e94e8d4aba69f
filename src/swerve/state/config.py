"""Settings of the state room: how much of a user is remembered, and for how long a session waits for its user."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class StateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of a user state. Changing one needs a replay: states folded under other bounds differ."""

    touches: Annotated[int, Meta(ge=1, le=10_000)] = 200
    """Most recent interactions kept whole. When full, the oldest eighth moves to `older` in one go."""
    rejected: Annotated[int, Meta(ge=1, le=10_000)] = 200
    """Negative interactions in force at once; beyond it the oldest is forgotten."""
    older: Annotated[int, Meta(ge=1, le=100_000)] = 2_000
    """Distinct item ids remembered after they left `touches`, so that filters still know them."""
    actions: Annotated[int, Meta(ge=1, le=1_000)] = 64
    """Different actions counted per user; a further one is folded but not counted."""
    fields: Annotated[int, Meta(ge=0, le=1_000)] = 64
    """Fields kept from `User` events; when full, new names are ignored and known ones still update."""
    sessions: Annotated[int, Meta(ge=1, le=10_000_000)] = 100_000
    """Sessions waiting for a user id; beyond it the one untouched for longest is forgotten."""
    session_ttl_s: Annotated[float, Meta(gt=0)] = 7 * 86_400.0
    """A session untouched for this long (server time of the records, not the wall clock) is forgotten."""
