"""Texts of like length together, so that little of a batch is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

TOKENS = 8192
"""Of a batch, padding included: bounds the memory."""


def by_length(rows: Sequence[Sequence[int]], most: int = TOKENS) -> Iterator[list[int]]:
    """Places of the rows, shortest first, as many together as hold at most `most` tokens once they are padded."""
    batch: list[int] = []
    for place in sorted(range(len(rows)), key=lambda place: len(rows[place])):
        if batch and (len(batch) + 1) * len(rows[place]) > most:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
