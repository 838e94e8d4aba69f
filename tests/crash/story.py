"""Events that can be recognised after a crash, and the judge who compares what was acknowledged with what is left."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from swerve.log.codec import canonical
from swerve.types import Batch, Interaction, Record

START_S = 1_700_000_000.0


class Verdict(NamedTuple):
    """How many events each harness found wrong; all zero is the only good one."""

    lost: int = 0
    doubled: int = 0
    altered: int = 0
    partial: int = 0
    """Batches of which a part is there."""

    def __add__(self, other: object) -> Verdict:  # type: ignore[override]
        assert isinstance(other, Verdict)
        return Verdict(*(one + two for one, two in zip(self, other, strict=True)))


def batch(name: str, rng: random.Random, *, largest: int = 7, ids: float = 0.5, text: int = 40) -> Batch:
    """A batch of 1 to `largest` records that can be told apart; the share `ids` of them carries an event_id."""
    size = rng.randint(1, largest)
    records = tuple(_record(f"{name}/{place}", rng, ids, text) for place in range(size))
    return Batch(records, atomic=rng.random() < 0.3)


def _record(name: str, rng: random.Random, ids: float, text: int) -> Record:
    event_id = name if rng.random() < ids else ""
    event = Interaction(item=name, action="a" * rng.randint(1, text), user=f"u{rng.randint(0, 9)}", event_id=event_id)
    return Record(event=event, received=START_S, time=START_S, gain=1.0)


def judge(acked: Iterable[Batch], unknown: Iterable[Batch], left: Sequence[Record], first: int = 0) -> Verdict:
    """Compare batches answered with success, and those whose answer never came, with the records that are left.

    `first`: so many of the oldest records were dropped by retention, which is not a loss.
    """
    found: dict[str, Record] = {}
    doubled = 0
    for record in left:
        doubled += record.event.item in found
        found[record.event.item] = record
    lost = altered = partial = 0
    for place, group in enumerate((acked, unknown)):
        for one in group:
            here = [found.get(record.event.item) for record in one.records]
            missing = here.count(None)
            partial += 0 < missing < len(here) and not first
            lost += missing if place == 0 else 0
            pairs = zip(one.records, here, strict=True)
            altered += sum(other is not None and not same(record, other) for record, other in pairs)
    return Verdict(max(lost - first, 0), doubled, altered, partial)


def same(sent: Record, kept: Record) -> bool:
    """True when what is kept is what was sent, the offset aside."""
    facts = sent.received, sent.time, sent.gain, sent.flags
    return canonical(sent.event) == canonical(kept.event) and facts == (kept.received, kept.time, kept.gain, kept.flags)


def doubles(left: Sequence[Record]) -> int:
    """Records whose event_id is there more than once."""
    counts = Counter(record.event.event_id for record in left if record.event.event_id)
    return sum(count - 1 for count in counts.values())
