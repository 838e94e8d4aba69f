"""Makers of item records, and stories of them for property tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from swerve.catalog.catalog import Catalog
from swerve.catalog.config import CatalogConfig
from swerve.types import Interaction, Item, Record

NOW = 1_800_000_000.0


def record(id: str, *, offset: int = 0, at: float = NOW, **said: Any) -> Record:
    """An item event as the door hands it on: `at` is its time where the event names one, else when it came."""
    return Record(event=Item(id=id, **said), received=NOW, time=at, offset=offset)


def view(item: str, offset: int = 0) -> Record:
    return Record(
        event=Interaction(item=item, action="view", user="u"), received=NOW, time=NOW, gain=1.0, offset=offset
    )


def catalog(**settings: Any) -> Catalog:
    return Catalog(CatalogConfig(**settings))


def fold(target: Catalog, records: Iterable[Record]) -> Catalog:
    """Apply records as the engine does: interactions make sure that their item exists."""
    for one in records:
        if isinstance(one.event, Interaction):
            target.ensure(one.event.item, one.time)
        else:
            target.apply(one)
    return target


_names = st.sampled_from("abcdef")
_words = st.sampled_from(["", "mug", "lamp", "目覚まし"])
_topics = st.lists(st.sampled_from("pqrstuvwxyz"), max_size=10, unique=True).map(tuple)
_values: st.SearchStrategy[Any] = st.one_of(
    st.integers(-5, 5), st.booleans(), st.just("red"), st.lists(_words, max_size=2)
)
_items = st.builds(
    Item,
    id=_names,
    title=_words,
    text=_words,
    categories=_topics,
    fields=st.dictionaries(st.sampled_from("kl"), _values, max_size=2),
    available=st.booleans(),
    deleted=st.sampled_from([False, False, False, True]),
    partial=st.booleans(),
    time=st.sampled_from([0.0, NOW - 10]),
)
_views = st.builds(Interaction, item=_names, action=st.just("view"), user=st.just("u"))
_events = st.lists(st.one_of(_items, _items, _views), max_size=40)


@st.composite
def stories(draw: st.DrawFn) -> list[Record]:
    """Records in log order, times somewhere near now."""
    told = []
    for offset, event in enumerate(draw(_events)):
        time = event.time if isinstance(event, Item) and event.time else NOW + draw(st.integers(-3, 3))
        told.append(Record(event=event, received=NOW, time=float(time), offset=offset))
    return told
