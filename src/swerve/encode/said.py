"""What an item says, as one text for a language model to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from swerve.types import Floats, Item

FIELD_CHARS = 64
"""Longer field values are no names but texts or addresses, and say nothing here."""


def field_values(item: Item) -> Iterator[tuple[str, str]]:
    """Names and values of the fields that are short strings, or lists of such."""
    for key, value in item.fields.items():
        values = [value] if isinstance(value, str) else value if isinstance(value, list) else ()
        yield from ((key, one) for one in values if one and len(one) <= FIELD_CHARS)


def said(item: Item, text_chars: int) -> str:
    """Title, categories, text and fields, in this order, a line each; empty for an item that says nothing.

    What matters most comes first: a model reads only so far. Of the text at most `text_chars` characters are read.
    """
    categories = ", ".join(filter(None, map(_visible, item.categories)))
    fields = ", ".join(f"{key}: {one}" for key, value in field_values(item) if (one := _visible(value)))
    parts = (_visible(item.title), categories, _visible(item.text[:text_chars]), fields)
    return "\n".join(part for part in parts if part)


def vectors_of(items: Sequence[Item], text_chars: int, dim: int, encode: Callable[[list[str]], Floats]) -> Floats:
    """(n, dim) float32: `encode` is given the texts of the items that say something; the others are zeros."""
    texts = [said(item, text_chars) for item in items]
    places = [place for place, text in enumerate(texts) if text]
    vectors = np.zeros((len(items), dim), np.float32)
    if places:
        vectors[places] = encode([texts[place] for place in places])
    return vectors


def _visible(text: str) -> str:
    """Without space around it; empty where nothing in it can be seen."""
    return text.strip() if any(letter.isprintable() and not letter.isspace() for letter in text) else ""
