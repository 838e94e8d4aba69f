"""Why an item stood in a slate: shares of the score by source, and the transitions behind the largest one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from swerve.derived import Derived
from swerve.types import Impression, Reason, Touch

NAMED = 5
"""How many of the user's own items are named as evidence."""
TEXTS = {
    "transitions": "people went on to this from what you looked at",
    "onward": "people went on to this in two steps from what you looked at",
    "own": "you looked at this yourself",
    "content": "it is like what you looked at",
    "preference": "it fits what you have been doing",
    "popular_1h": "popular in the last hour",
    "popular_1d": "popular today",
    "popular_7d": "popular this week",
    "fresh": "it is new",
}


def reasons(derived: Derived, impression: Impression, item: str, why: Mapping[str, float]) -> tuple[Reason, ...]:
    """Sources by share, each followed by the user's own items it starts from. Counts are those of now."""
    found: list[Reason] = []
    for source, share in why.items():
        found.append(Reason(source=source, share=share, text=TEXTS.get(source, source)))
        if source == "transitions":
            found += _evidence(derived, impression, item, share)
    return tuple(found)


def _evidence(derived: Derived, impression: Impression, item: str, share: float) -> Iterator[Reason]:
    """The user's items most people went on from, with how many did."""
    to = derived.catalog.row(item)
    seen: dict[str, Touch] = {touch.item: touch for touch in _touches(derived, impression)}
    with derived.lock:
        counts = [
            (derived.counters.transitions.hits(row, to), touch)
            for touch in seen.values()
            if to >= 0 and (row := derived.catalog.row(touch.item)) >= 0
        ]
    counts = sorted((one for one in counts if one[0] > 0), key=lambda one: (-one[0], -one[1].offset))[:NAMED]
    total = sum(count for count, _ in counts)
    for count, touch in counts:
        yield Reason(
            source="transitions",
            share=share * count / total,
            item=touch.item,
            offset=touch.offset,
            count=count,
            text=f"{count} went on from {_title(derived, touch.item)} to this",
        )


def _touches(derived: Derived, impression: Impression) -> tuple[Touch, ...]:
    """The user's touches that the slate was made from: those up to its state offset, or the history it was given."""
    if impression.history:
        return tuple(Touch(item, "view", 1.0, 0.0, -1) for item in impression.history)
    state = derived.users.state(impression.user, impression.session)
    return tuple(touch for touch in state.touches if touch.offset <= impression.state_offset)


def _title(derived: Derived, item: str) -> str:
    known = derived.catalog.get(item)
    return known.title if known is not None and known.title else item
