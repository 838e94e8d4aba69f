"""What a language model reads of an item: everything it says, what matters most first, nothing of what it is called."""

from __future__ import annotations

from swerve.encode.said import FIELD_CHARS, field_values, said
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
