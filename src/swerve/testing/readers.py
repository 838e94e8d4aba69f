"""What a source of events owes an import: check yours with `check_source(lambda: my_source())`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from swerve.readers.source import Chunk, Source
from swerve.testing.obligations import owes
from swerve.types import Impression, Interaction, Item, Rejection, User

_owes = owes("a source owes an import")

_KINDS = (Item, User, Interaction, Impression, Rejection)


def check_source(factory: Callable[[], Source]) -> None:
    """Hold a source to what resuming an import needs; raises AssertionError saying what it breaks.

    Read twice or made anew, it must give the same events, lines and fingerprint, from any place on.
    """
    found, again = factory(), factory()
    chunks = list(found.chunks())
    _check_chunks(chunks)
    events = list(chain.from_iterable(chunk.events for chunk in chunks))
    lines = list(chain.from_iterable(chunk.lines for chunk in chunks))
    _owes(len(events) > 0, "at least one event to check it with")
    _owes(list(found.events()) == events, "the same events when read twice")
    _owes(list(again.events()) == events, "the same events when made anew")
    _owes(again.fingerprint == found.fingerprint, "the same fingerprint for the same events")
    _owes(found.count == -1 or found.count > 0, "an expected count above 0, or -1")
    for start in {0, 1, len(chunks[0]), len(events) // 2, len(events) - 1, len(events)}:
        rest = list(found.chunks(start))
        _check_chunks(rest)
        there = list(chain.from_iterable(chunk.events for chunk in rest))
        _owes(there == events[start:], f"exactly the events from {start} on")
        _owes(list(chain.from_iterable(chunk.lines for chunk in rest)) == lines[start:], f"the lines from {start} on")


def _check_chunks(chunks: Sequence[Chunk]) -> None:
    for chunk in chunks:
        _owes(len(chunk) > 0, "no empty chunks")
        _owes(len(chunk.events) == len(chunk.lines), "a line for every event")
        _owes(all(isinstance(event, _KINDS) for event in chunk.events), "nothing but events and rejections")
        _owes(all(line >= 1 for line in chunk.lines), "lines that count from 1")
        _owes(chunk.origin != "", "an origin for every chunk")
