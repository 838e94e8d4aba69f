"""What a language model reads of an item: everything it says, what matters most first, nothing of what it is called."""

from __future__ import annotations

import numpy as np

from swerve.encode.said import FIELD_CHARS, field_values, said, vectors_of
from swerve.types import Item


def test_title_categories_text_and_fields_come_in_this_order() -> None:
    item = Item(
        id="x7",
        title=" Red mug ",
        text="Holds 0.3 litres.",
        categories=("kitchen", "cups"),
        fields={"brand": "Hay", "price": 9.5, "tags": ["red", "", "round"]},
    )
    assert said(item, 100) == "Red mug\nkitchen, cups\nHolds 0.3 litres.\nbrand: Hay, tags: red, tags: round"


def test_what_is_not_said_leaves_no_line() -> None:
    assert said(Item(id="1", text="only a text"), 4) == "only"
    assert said(Item(id="1", title="  ", fields={"price": 3.0, "ok": True}), 100) == ""


def test_long_values_are_no_names() -> None:
    item = Item(id="1", fields={"url": "x" * (FIELD_CHARS + 1), "code": "y" * FIELD_CHARS})
    assert list(field_values(item)) == [("code", "y" * FIELD_CHARS)]


def test_what_nobody_can_see_says_nothing() -> None:
    hidden = Item(id="1", title="\u200b", categories=("", " \u2060"), text="\n", fields={"brand": "  ", "tags": [" "]})
    assert said(hidden, 100) == ""
    assert said(Item(id="1", title="\U0001f642", categories=("", "cups ")), 100) == "\U0001f642\ncups"


def test_only_those_who_say_something_are_encoded() -> None:
    given: list[str] = []

    def encode(texts: list[str]) -> np.ndarray:
        given.extend(texts)
        return np.ones((len(texts), 2), np.float32)

    items = [Item(id="1"), Item(id="2", title="mug"), Item(id="3", title=" ")]
    assert vectors_of(items, 100, 2, encode).tolist() == [[0, 0], [1, 1], [0, 0]]
    assert given == ["mug"]
    assert vectors_of(items[:1], 100, 2, encode).tolist() == [[0, 0]], "nobody is asked for nothing"
