"""What the catalog knows after any events: items, rows, columns, categories, availability."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from swerve.catalog.config import CatalogConfig
from swerve.errors import ConfigError
from swerve.types import FieldValue, Interaction, Item, Record, User
from tests.catalog.stories import NOW, catalog, fold, record, stories, view

MUG = {"title": "Mug", "text": "Red.", "categories": ("kitchen", "gift"), "fields": {"price": 9.5, "tags": ["a", "b"]}}


# --- saying and saying again ---


def test_an_item_is_known_as_it_was_said() -> None:
    known = catalog()
    assert known.apply(record("mug", **MUG, at=NOW - 50, time=NOW - 50)) == 0
    assert known.get("mug") == Item(id="mug", **MUG, time=NOW - 50)
    assert (known.row("mug"), known.ids, known.size, len(known)) == (0, ["mug"], 1, 1)
    assert known.fields_of(0) == MUG["fields"]


def test_what_nobody_named_is_unknown() -> None:
    known = catalog()
    assert (known.row("mug"), known.get("mug"), known.category_code("kitchen")) == (-1, None, -1)


def test_saying_it_again_replaces_all_of_it() -> None:
    known = fold(catalog(), [record("mug", **MUG), record("mug", title="Cup", categories=("gift",))])
    item = known.get("mug")
    assert item == Item(id="mug", title="Cup", categories=("gift",), time=NOW)
    assert known.topics[0].tolist() == [1, -1, -1, -1, -1, -1, -1, -1]
    assert known.size == 1


def test_a_partial_event_keeps_what_it_leaves_empty() -> None:
    known = fold(catalog(), [record("mug", **MUG), record("mug", partial=True, fields={"price": 8.0, "new": True})])
    fields: dict[str, FieldValue] = {"price": 8.0, "tags": ["a", "b"], "new": True}
    assert known.get("mug") == Item(id="mug", **{**MUG, "fields": fields}, time=NOW)
    known.apply(record("mug", partial=True, title="Cup", categories=("gift",)))
    assert known.get("mug") == Item(id="mug", title="Cup", text="Red.", categories=("gift",), fields=fields, time=NOW)


def test_a_partial_event_about_an_unknown_item_makes_it() -> None:
    known = fold(catalog(), [record("mug", partial=True, title="Mug", available=False)])
    assert known.get("mug") == Item(id="mug", title="Mug", available=False, time=NOW)


@pytest.mark.parametrize(
    ("said", "available"),
    [
        ({"available": False}, False),
        ({}, True),  # says nothing else, so it can only be about availability
        ({"fields": {"price": 8.0}}, None),  # a new price puts nothing back on sale
        ({"fields": {"price": 8.0}, "available": False}, False),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_what_a_partial_event_says_of_availability(said: dict, available: bool | None, before: bool) -> None:  # type: ignore[type-arg]
    known = fold(catalog(), [record("mug", available=before, title="Mug"), record("mug", partial=True, **said)])
    assert known.available[0] == (before if available is None else available)
    assert known.get("mug").title == "Mug"  # type: ignore[union-attr]


def test_an_item_keeps_the_time_it_was_first_heard_of() -> None:
    known = fold(catalog(), [record("a", at=NOW), record("a", at=NOW + 9), record("a", at=NOW + 9, partial=True)])
    assert known.published[0] == NOW
    known.apply(record("a", at=NOW - 99, time=NOW - 99, partial=True, title="A"))
    assert known.published[0] == NOW - 99
    known.ensure("b", NOW + 1)
    known.apply(record("b", at=NOW + 5))
    assert known.published[1] == NOW + 1


def test_other_events_are_none_of_its_business() -> None:
    known = catalog()
    others = (Interaction(item="a", action="view", user="u"), User(id="u"))
    assert [known.apply(Record(event=one, received=NOW, time=NOW)) for one in others] == [-1, -1]
    assert known.size == 0


# --- unknown items ---


def test_an_interaction_makes_a_bare_item() -> None:
    known = fold(catalog(), [view("mug")])
    assert known.get("mug") == Item(id="mug", time=NOW)
    assert known.available[0]
    assert known.fields_of(0) == {}
    assert known.ensure("mug", NOW + 5) == 0
    assert known.published[0] == NOW


def test_bare_items_are_not_made_where_they_are_not_wanted() -> None:
    known = catalog(unknown_items="ignore")
    assert known.ensure("mug", NOW) == -1
    known.apply(record("mug"))
    assert known.ensure("mug", NOW) == 0


def test_a_full_catalog_refuses_and_counts() -> None:
    known = fold(catalog(max_items=2), [record("a"), view("b")])
    assert known.apply(record("c")) == -1
    assert known.ensure("d", NOW) == -1
    assert (known.refused, known.size, known.row("c")) == (2, 2, -1)
    assert known.apply(record("a", title="A")) == 0


# --- categories ---


def test_categories_have_codes_in_the_order_they_came() -> None:
    known = fold(catalog(), [record("a", categories=("x", "y", "x")), record("b", categories=("z", "y"))])
    assert known.category_names == ["x", "y", "z"]
    assert [known.category_code(name) for name in ("z", "y", "?")] == [2, 1, -1]
    assert known.topics[:2, :3].tolist() == [[0, 1, -1], [2, 1, -1]]
    assert known.get("a").categories == ("x", "y")  # type: ignore[union-attr]


def test_only_the_first_categories_become_topics_but_all_are_kept() -> None:
    names = tuple(f"c{n}" for n in range(20))
    known = fold(catalog(max_topics=3), [record("a", categories=names)])
    assert known.topics[0].tolist() == [0, 1, 2]
    assert known.get("a").categories == names  # type: ignore[union-attr]


def test_too_many_category_names_stay_names() -> None:
    known = fold(
        catalog(max_categories=2), [record("a", categories=("x", "y", "z")), record("b", categories=("z", "x"))]
    )
    assert known.topics[:2, :3].tolist() == [[0, 1, -1], [0, -1, -1]]
    assert known.get("b").categories == ("z", "x")  # type: ignore[union-attr]
    assert (known.category_names, known.category_code("z")) == (["x", "y"], -1)


# --- columns ---


def test_columns_are_as_long_as_the_rows_and_padded() -> None:
    known = fold(catalog(), [record(f"i{n}", categories=(f"c{n % 3}",)) for n in range(5000)])
    assert known.size == 5000
    for column in (known.available, known.published, known.topics, known.generations):
        assert len(column) >= 5000
    assert known.topics[4999].tolist() == [4999 % 3, *[-1] * 7]
    assert (known.topics.dtype, known.published.dtype) == (np.int32, np.float64)
    assert known.available[:5000].all()
    assert not known.available[5000:].any()
    assert (known.topics[5000:] == -1).all()


def test_rows_never_change_while_an_item_exists() -> None:
    known = fold(catalog(), [record(name) for name in "abc"])
    fold(known, [record("b", deleted=True), record("c", title="C"), record("d"), record("a", partial=True)])
    assert (known.row("a"), known.row("b"), known.row("c"), known.row("d")) == (0, -1, 2, 3)


# --- against the plainest catalog there is ---


@given(stories())
def test_any_story_leaves_what_a_plain_dictionary_would(told: list[Record]) -> None:
    known, plain, deleted = catalog(reuse_after=3), dict[str, Item](), set[str]()
    for one in told:
        fold(known, [one])
        event = one.event
        if isinstance(event, Interaction):
            if event.item not in plain and event.item not in deleted:
                plain[event.item] = Item(id=event.item, time=one.time)
        elif isinstance(event, Item):
            _tell(plain, deleted, event, one.time)
    assert {name for name in known.ids if name} == set(plain)
    assert len(known) == len(plain)
    for name, item in plain.items():
        row = known.row(name)
        assert known.ids[row] == name
        assert known.get(name) == item
        assert known.fields_of(row) == item.fields
        topics = [known.category_names[code] for code in known.topics[row].tolist() if code >= 0]
        assert topics == list(item.categories[:8])
    order = sorted(plain.values(), key=lambda item: (-float(item.time), known.row(item.id)))
    assert known.newest(5).tolist() == [known.row(item.id) for item in order if item.available][:5]


def _tell(plain: dict[str, Item], deleted: set[str], event: Item, time: float) -> None:
    old = plain.get(event.id)
    if event.deleted:
        plain.pop(event.id, None)
        deleted.add(event.id)
        return
    deleted.discard(event.id)
    base = old if old is not None and event.partial else Item(id=event.id)
    silent = not (event.title or event.text or event.categories or event.fields or event.time)
    keeps = old is not None and event.partial and event.available and not silent
    plain[event.id] = Item(
        id=event.id,
        title=event.title or base.title,
        text=event.text or base.text,
        categories=event.categories or base.categories,
        fields={**base.fields, **event.fields},
        available=old.available if keeps and old is not None else event.available,
        time=time if event.time or old is None else old.time,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_items": 0},
        {"max_items": 2**31},
        {"max_topics": 0},
        {"newest": 0},
        {"reuse_after": -1},
        {"max_categories": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError) as error:
        CatalogConfig(**wrong)  # type: ignore[arg-type]
    assert error.value.field == f"catalog.{next(iter(wrong))}"
