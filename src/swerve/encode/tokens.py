"""From rows of tokens to vectors, whatever runs the model: batches of like length, padding, pooling, unit length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from swerve.types import Floats

AT_ONCE = 8192
"""Tokens of a batch, padding included: bounds the memory."""
Pooling = Literal["mean", "cls", "last"]
Run = Callable[[Any, Any], Any]
"""A model: tokens and what of them counts, (n, longest) int64 each -> hidden states (n, longest, dim), or (n, dim)."""
Row = Sequence[int]


def encoded(rows: Sequence[Row], run: Run, pooling: Pooling, dim: int) -> Floats:
    """(n, dim) float32 of unit length; zeros for a row without tokens."""
    vectors = np.zeros((len(rows), dim), np.float32)
    told = [place for place, row in enumerate(rows) if len(row)]
    for batch in by_length([rows[place] for place in told]):
        places = [told[one] for one in batch]
        tokens, mask = padded([rows[place] for place in places])
        states = run(tokens, mask)
        vectors[places] = states if states.ndim == 2 else pooled(states, mask, pooling)
    return unit(vectors)


def by_length(rows: Sequence[Row], most: int = AT_ONCE) -> Iterator[list[int]]:
    """Places of the rows, shortest first, as many together as hold at most `most` tokens once they are padded."""
    batch: list[int] = []
    for place in sorted(range(len(rows)), key=lambda place: len(rows[place])):
        if batch and (len(batch) + 1) * len(rows[place]) > most:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def padded(rows: Sequence[Row]) -> tuple[Any, Any]:
    """Tokens and what of them counts, (n, longest) int64 each; padding is behind, and is token 0."""
    tokens = np.zeros((len(rows), max(map(len, rows))), np.int64)
    mask = np.zeros_like(tokens)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return tokens, mask


def pooled(states: Any, mask: Any, pooling: Pooling) -> Any:
    """Hidden states (n, tokens, dim), mask (n, tokens) with padding behind and no row empty -> (n, dim)."""
    if pooling == "cls":
        return states[:, 0]
    if pooling == "last":
        return states[np.arange(len(states)), mask.sum(axis=1) - 1]
    shares = (mask / mask.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.einsum("ntd,nt->nd", states, shares)


def unit(vectors: Any) -> Floats:
    """(n, dim) of any float -> float32 rows of unit length; a row of zeros stays one."""
    wide = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    found: Floats = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
    return found
