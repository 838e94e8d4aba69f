"""The nouns everybody shares: what is said (events), what is known (user state), what is answered (slate).

Everything here is plain data: frozen msgspec structs for single things, struct-of-arrays (NumPy columns of
one length) for many. Times are Unix seconds (float), offsets are positions in the log, and `row` is the int
that stands for an item inside; rows never leave the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

FieldValue: TypeAlias = str | int | float | bool | list[str]
Floats: TypeAlias = NDArray[np.float32]
Rows: TypeAlias = NDArray[np.int32]


# --- events: one record of the log each ---------------------------------------------------------------------


class Item(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="item",
):
    """Something that can be recommended. Saying it again replaces what was known (`partial`: only what is given)."""

    id: str
    title: str = ""
    text: str = ""
    """Longer description; encoders read it after the title."""
    categories: tuple[str, ...] = ()
    """Topics, genres, brands: what "less of this" acts on and what filters name."""
    fields: dict[str, FieldValue] = {}
    """Anything filters and rankers may read, e.g. `{"price": 9.5}`."""
    available: bool = True
    """False keeps the item and its evidence but never recommends it."""
    deleted: bool = False
    """True removes the item; its row is reused only after no state can name it."""
    partial: bool = False
    """True merges into the stored item: empty values keep what is known, `fields` merge by key."""
    time: float | str = 0.0
    """When it was published: Unix seconds or RFC 3339; 0 = now."""
    event_id: str = ""
    """Idempotency key: the same id is taken once within the window (at least 7 days)."""


class User(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="user",
):
    """What a shop knows of a user beyond their acts. Users need not be announced: an interaction is enough."""

    id: str
    fields: dict[str, FieldValue] = {}
    time: float | str = 0.0
    event_id: str = ""


class Interaction(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="interaction",
):
    """A user (or a session before login) did an action to an item. Both given = this session is this user."""

    item: str
    action: str
    user: str = ""
    session: str = ""
    value: float | None = None
    """Size of the action where it has one: stars, seconds, amount; the preset says how it moves the gain."""
    slate: str = ""
    """The slate the user acted on, if any; joins feedback to what was shown."""
    time: float | str = 0.0
    event_id: str = ""


class Pick(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place of a slate."""

    item: str
    position: int
    """0 = first."""
    score: float
    propensity: float = 1.0
    """P(this item in this place | query, policy) when it was shown."""
    why: dict[str, float] = {}
    """Share of the score that each source gave (sums to 1); filled when asked to explain."""


class Impression(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="impression",
):
    """A slate once it is in the log: everything a learner needs to rebuild the query exactly."""

    slate: str
    picks: tuple[Pick, ...]
    user: str = ""
    session: str = ""
    state_offset: int = -1
    """Offset of the user's last folded interaction when the slate was made; -1 = none."""
    model_version: int = 0
    variant: str = ""
    history: tuple[str, ...] = ()
    """Items given with the request instead of a user, oldest first."""
    time: float | str = 0.0
    event_id: str = ""


Event: TypeAlias = Item | User | Interaction | Impression


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event with what the door found out about it. Consumers read `time` and `gain` here, never the event's own."""

    event: Event
    received: float
    """Server clock at the door, Unix seconds; non-decreasing along the log is not promised (clocks jump)."""
    time: float
    """When it happened: the client's clock, clamped to `received` if it lies in the future."""
    gain: float = 0.0
    """How much an interaction counts (may be negative); 0 for every other event."""
    flags: tuple[str, ...] = ()
    """What was repaired: `future_clock`, `late`, …"""
    offset: int = -1
    """Position in the log, gap-free from 0; -1 until the log has given one."""


class Batch(msgspec.Struct, frozen=True):
    """Records that commit together. `atomic`: one conflict refuses the whole batch."""

    records: tuple[Record, ...]
    atomic: bool = False


class Appended(msgspec.Struct, frozen=True):
    """What became of one batch: the new records (with offsets) and the indices of the others."""

    new: tuple[Record, ...]
    duplicates: tuple[int, ...] = ()
    """Indices whose `event_id` was already taken by the same payload: nothing stored, not an error."""
    conflicts: tuple[int, ...] = ()
    """Indices whose `event_id` was already taken by another payload: nothing stored, an error."""


class Rejection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why one event was refused; never carries the refused value."""

    index: int
    code: str
    """Stable and machine-readable, e.g. `unknown_action`, `too_long`, `conflict`."""
    field: str
    message: str


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `observe`: everything accepted is on disk and in the state the next request reads."""

    accepted: int
    duplicates: int = 0
    rejected: tuple[Rejection, ...] = ()
    offset: int = -1
    """Highest offset given to this request's events; -1 = none was new."""
    durable: str = "fsync"
    """Durability class: `fsync`, or the weaker `os` / `memory` when configured."""


# --- user state ---------------------------------------------------------------------------------------------


class Touch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One interaction as the user state remembers it."""

    item: str
    action: str
    gain: float
    time: float
    offset: int


class UserState(msgspec.Struct, frozen=True, array_like=True):
    """Pure, bounded fold of one user's interactions up to `offset`. Never changed in place: a fold makes a new one."""

    offset: int = -1
    """Last folded interaction; -1 = none."""
    touches: tuple[Touch, ...] = ()
    """The most recent interactions with gain >= 0, oldest first, at most `state.touches`."""
    rejected: tuple[Touch, ...] = ()
    """Interactions with gain < 0 still in force, oldest first, at most `state.rejected`."""
    older: tuple[str, ...] = ()
    """Distinct items that fell out of `touches`, oldest first, at most `state.older`; only filters read them."""
    counters: tuple[tuple[str, int], ...] = ()
    """How often each action was done, sorted by action."""
    fields: tuple[tuple[str, FieldValue], ...] = ()
    """What `User` events said, sorted by key."""


# --- the user model -------------------------------------------------------------------------------------------------


class History:
    """What the user model reads of one user: events as columns of one length, oldest first. Immutable by convention."""

    __slots__ = ("actions", "items", "times")

    def __init__(self, items: Rows, actions: Rows, times: NDArray[np.float64]) -> None:
        """`items` and `actions`: rows of the model's own tables, 0 = unknown. `times`: Unix seconds, 0 = not known."""
        if not len(items) == len(actions) == len(times):
            raise ValueError("columns of one history must have one length")
        self.items = items
        self.actions = actions
        self.times = times

    def __len__(self) -> int:
        return len(self.items)

    def last(self, n: int) -> History:
        """The newest n events."""
        start = max(len(self) - n, 0)
        return History(self.items[start:], self.actions[start:], self.times[start:])

    def upto(self, n: int) -> History:
        """The oldest n events."""
        return History(self.items[:n], self.actions[:n], self.times[:n])

    @classmethod
    def of(cls, items: Sequence[int], actions: Sequence[int] = (), times: Sequence[float] = ()) -> History:
        """From plain lists; what is left out is unknown."""
        n = len(items)
        return cls(
            np.array(items, np.int32).reshape(n),
            np.array(actions if len(actions) else [0] * n, np.int32),
            np.array(times if len(times) else [0.0] * n, np.float64),
        )


# --- judging ------------------------------------------------------------------------------------------------


class Whole(msgspec.Struct, frozen=True):
    """Everything one user did before a question, what they refused too: columns of one length (h,), oldest first."""

    rows: Rows
    actions: Rows
    times: NDArray[np.float64]
    gains: NDArray[np.float64]
    """Above 0: liked; below: refused."""


class Past(msgspec.Struct, frozen=True):
    """What one user did before a question of an offline judgement: columns of one length (h,), oldest first."""

    rows: Rows
    """Items, int32; rows of the judgement (`Stream.items`), not of a catalog."""
    actions: Rows
    """What was done, int32: index into `Stream.actions_named`."""
    times: NDArray[np.float64]
    """Unix seconds."""
    now: float
    """Moment of the question, Unix seconds."""
    whole: Whole | None = None
    """The same with what the user refused; None: nothing was."""


# --- the answer ---------------------------------------------------------------------------------------------


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """All that retrieval and ranking see of a request."""

    state: UserState
    time: float
    """Now, Unix seconds."""
    n: int
    k: int
    """Candidates wanted from each retriever."""
    history: Rows
    """Rows of the items last touched, most recent first, int32 (h,); items without a row are left out."""
    ages: Floats
    """Seconds since each touch of `history`, float32 (h,), >= 0."""


class Candidates(msgspec.Struct, frozen=True):
    """Items retrieved for a query, as columns of one length n."""

    rows: Rows
    """(n,) int32, distinct."""
    columns: Floats
    """(sources, n) float32, >= 0: what each source says of each item; 0 = nothing."""
    sources: tuple[str, ...]
    """Names of the rows of `columns`."""


class Slate(msgspec.Struct, frozen=True, kw_only=True):
    """The ordered answer to a request."""

    slate: str
    """Id of the slate; name it in the interactions that follow."""
    picks: tuple[Pick, ...]
    state_offset: int
    model_version: int
    variant: str = ""
    took_ms: float = 0.0
    degraded: tuple[str, ...] = ()
    """What was missing when this was answered, e.g. `encoder`; empty = nothing."""

    @property
    def id(self) -> str:
        """The slate's id, under the name most callers look for."""
        return self.slate


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence for a pick: something the user did, and how often others went on from there."""

    source: str
    share: float
    """Part of the pick's score, 0..1."""
    item: str = ""
    """The item of the user's history this evidence starts from, if any."""
    offset: int = -1
    """Log offset of the user's interaction with it."""
    count: int = 0
    """How many interactions went on from `item` to the pick (exact, undecayed)."""
    text: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why an item stood in a slate, strongest reason first."""

    slate: str
    item: str
    score: float
    reasons: tuple[Reason, ...]


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a user, oldest interaction first."""

    user: str
    offset: int
    touches: tuple[Touch, ...]
    rejected: tuple[Touch, ...]
    counters: dict[str, int]
    fields: dict[str, FieldValue]


Json: TypeAlias = dict[str, Any]
