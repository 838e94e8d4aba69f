"""What the events room can be told: limits, clocks, and what each action means."""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]

DAY_S = 86_400.0
YEAR_S = 365.25 * DAY_S


class ActionConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one action says about the item: `gain + per_value * (value - center)`, kept within ±`max_gain`."""

    gain: float = 1.0
    """How much the action counts; negative = less of this."""
    per_value: float = 0.0
    """How much each unit of the interaction's `value` adds (stars, minutes); 0 ignores the value."""
    center: float = 0.0
    """The value that adds nothing, e.g. 3 for stars from 1 to 5."""
    consumes: bool = False
    """True: the item is used up for this user (bought, read, watched), so the answer may leave it out."""
    undo: bool = False
    """True: takes back this user's latest interaction with the item; its own gain is ignored."""


def _general() -> dict[str, ActionConfig]:
    """Actions of a directory without a preset: enough to start, replaced whole by a preset's own."""
    return {
        "view": ActionConfig(gain=1.0),
        "like": ActionConfig(gain=2.0),
        "buy": ActionConfig(gain=4.0, consumes=True),
        "rate": ActionConfig(gain=0.5, per_value=0.5, center=3.0, consumes=True),
        "dislike": ActionConfig(gain=-2.0),
        "undo": ActionConfig(gain=0.0, undo=True),
    }


class EventsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may come in at once, which clocks are believed, and what each action counts."""

    max_body_bytes: Count = 8 * 1024 * 1024
    """Longest request body; checked before anything is parsed."""
    max_batch: Count = 10_000
    """Most events in one body (for NDJSON: lines)."""
    max_depth: Annotated[int, msgspec.Meta(ge=4, le=200)] = 32
    """Deepest nesting of objects and arrays in a body; checked before parsing."""
    max_id_chars: Count = 256
    """Longest id of an item, user, session or slate, and longest category or field name, in characters."""
    max_event_id_chars: Count = 128
    """Longest `event_id`, in characters."""
    max_text_chars: Count = 20_000
    """Longest `title` and longest `text`, in characters each."""
    max_fields: Count = 64
    """Most entries in `fields` of an item or user."""
    max_field_chars: Count = 2_000
    """Longest text inside `fields`, in characters."""
    max_field_list: Count = 256
    """Most entries of one list inside `fields`."""
    max_categories: Count = 32
    """Most categories of an item."""
    max_picks: Count = 1_000
    """Most picks, and most history items, of an impression."""
    future_tolerance_s: Seconds = 60.0
    """A client clock this far ahead is taken for now without a flag; further ahead is flagged `future_clock`."""
    late_after_s: Seconds = 30 * DAY_S
    """An event older than this is flagged `late`. It is kept with its true time."""
    far_s: Seconds = 10 * YEAR_S
    """Beyond this, in seconds, flags also say `clamped_clock` (future) or `far_past` (past, true time kept)."""
    max_gain: Seconds = 10.0
    """Gains are kept within ± this, whatever the value of an interaction is."""
    feedback_window_s: Seconds = DAY_S
    """How long after a slate an action on one of its items counts as an answer to it."""
    actions: dict[str, ActionConfig] = msgspec.field(default_factory=_general)
    """What each action means, by name. An action that is not here is refused, naming the nearest one."""

    @property
    def consuming(self) -> frozenset[str]:
        """Names of the actions that use an item up."""
        return frozenset(name for name, action in self.actions.items() if action.consumes)

    @property
    def undoing(self) -> frozenset[str]:
        """Names of the actions that take the latest interaction with the item back."""
        return frozenset(name for name, action in self.actions.items() if action.undo)

    def gain(self, action: str, value: float | None) -> float:
        """Gain of a known action with a finite value. Raises KeyError for an unknown action."""
        said = self.actions[action]
        if said.undo:
            return 0.0
        gain = said.gain if value is None else said.gain + said.per_value * (value - said.center)
        most = self.max_gain
        return most if gain > most else -most if gain < -most else gain  # a third of the time min and max take
