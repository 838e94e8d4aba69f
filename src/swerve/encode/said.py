"""What an item says, as one text for a language model to read."""

from __future__ import annotations

from collections.abc import Iterator

from swerve.types import Item

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
    fields = ", ".join(f"{key}: {value}" for key, value in field_values(item))
    parts = (item.title.strip(), ", ".join(item.categories), item.text[:text_chars].strip(), fields)
    return "\n".join(part for part in parts if part)
