"""The shapes of requests and of the answers that have no noun of their own. Every field is a parameter of the API."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from swerve.types import Pick

Id = Annotated[str, Meta(max_length=256)]
Ids = Annotated[tuple[Id, ...], Meta(max_length=1000)]
Many = Annotated[tuple[Id, ...], Meta(extra_json_schema={"maxItems": 1000})]
Size = Annotated[int, Meta(extra_json_schema={"minimum": 1, "maximum": 500})]
"""The engine checks how many, against `respond.n_max` and `max_exclude`. The bounds it has by default are said here."""
Filter = Annotated[str, Meta(max_length=2000)]


class RecommendRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to recommend, and to whom: a `user`, a `session`, a `history`, or nobody in particular."""

    user: Id = ""
    """User id; unknown ones are welcome."""
    session: Id = ""
    """Session id, for visitors who have not logged in."""
    history: Ids = ()
    """Items touched, oldest first, instead of a stored user."""
    n: Size = 10
    """Length of the slate."""
    exclude: Many = ()
    """Items to leave out."""
    filter: Filter = ""
    """Expression every item must meet, e.g. `price < 20 and category == "mugs"`."""
    explain: bool = False
    """Fill each pick's `why`."""
    after_offset: Annotated[int, Meta(ge=-1, le=2**62)] = -1
    """Answer from a state that holds at least this offset, as an ack gave it."""


class RankRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items to put in order for a user, a session or a history."""

    items: Many
    """Items to rank; unknown ones are left out."""
    user: Id = ""
    """User id."""
    session: Id = ""
    """Session id."""
    history: Ids = ()
    """Items touched, oldest first, instead of a stored user."""


class SimilarRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many similar items, and which may be among them."""

    n: Size = 10
    """How many items."""
    filter: Filter = ""
    """Expression every item must meet."""


class TrendingRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many items, over which window, and which may be among them."""

    n: Size = 10
    """How many items."""
    window: Annotated[str, Meta(extra_json_schema={"enum": ["1h", "1d", "7d"]})] = "1d"
    """How far back popularity is counted."""
    filter: Filter = ""
    """Expression every item must meet."""


class EventsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a body of events is taken."""

    atomic: bool = False
    """True: one wrong event refuses the whole body; nothing is stored."""


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of the log."""

    start: Annotated[int, Meta(ge=0, le=2**62)] = 0
    """First offset."""
    stop: Annotated[int, Meta(ge=0, le=2**62)] | None = None
    """Offset to stop before; absent = everything there is now."""


class ExplainRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which item of the slate."""

    item: Annotated[str, Meta(min_length=1, max_length=256)]
    """Item id."""


class NoRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to say: any query parameter is refused."""


class Picks(msgspec.Struct, frozen=True, kw_only=True):
    """Items with their scores, best first."""

    picks: tuple[Pick, ...]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server lives, or takes requests."""

    status: Literal["ok", "failed", "draining"]
