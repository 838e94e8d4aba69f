"""The encoder that needs nothing: words, categories and fields of an item, hashed into a vector.

Items that share words, parts of words or categories come out close. It does not know that `sofa` and `couch` are the
same: for meaning, plug in a pretrained encoder. The same item gives the same bits, alone or in a batch, on any
machine: hashes are stable, sums are over whole numbers, and the rest is one rounding at a time.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from swerve.encode.config import EncodeConfig
from swerve.encode.said import field_values
from swerve.encode.signs import MARK, Signs
from swerve.encode.words import folded, words
from swerve.types import Floats, Item

VERSION = 1
"""Part of the name: another version makes other vectors."""
SHARES = (1.0, 0.7, 1.3, 0.5)
"""How much title, text, categories and fields count beside each other, each first brought to unit length."""
_TITLE_CHARS = 1000
_NUMBERS_AT_ONCE = 2**18
_FINE = 2.0**20
_ONCE = 4

Bag = dict[str, int]
"""Tokens and how much each counts, whole numbers: `_ONCE` for one that comes once."""
Bags = tuple[Bag, Bag, Bag, Bag]
"""Of title, text, categories and fields."""


class HashingEncoder:
    """Items -> (n, dim) float32 unit vectors; an item that says nothing gives zeros. Threads may share it."""

    def __init__(self, dim: int = 64, text_chars: int = 2000, remembered: int = 32_768) -> None:
        self.dim = dim
        self.name = f"hashing-v{VERSION}-{dim}" + (f"-text{text_chars}" if text_chars != 2000 else "")
        self._text_chars = text_chars
        self._signs = Signs(dim, remembered)
        self._lock = threading.Lock()

    def encode(self, items: Sequence[Item]) -> Floats:
        """(n, dim) float32, rows of unit length or zero."""
        parts = [_joined(self._sums(bags)) for bags in self._batches(items)]
        return np.concatenate(parts) if parts else np.zeros((0, self.dim), np.float32)

    def _batches(self, items: Sequence[Item]) -> Iterator[list[Bags]]:
        """Items a few at a time: enough to keep NumPy busy, so few that long texts need little memory."""
        batch: list[Bags] = []
        room = _NUMBERS_AT_ONCE
        for item in items:
            bags = self._bags(item)
            batch.append(bags)
            room -= self.dim * (8 + sum(map(len, bags)))
            if room <= 0:
                yield batch
                batch, room = [], _NUMBERS_AT_ONCE
        if batch:
            yield batch

    def _bags(self, item: Item) -> Bags:
        return (
            _counted(words(item.title[:_TITLE_CHARS])),
            _counted(words(item.text[: self._text_chars])),
            _counted([f"{MARK}c{folded(name)}" for name in item.categories]),
            _counted(_field_tokens(item)),
        )

    def _sums(self, bags: Sequence[Bags]) -> NDArray[np.float64]:
        """(n, 4, dim) whole numbers: the sum over each bag's tokens."""
        flat = [bag for four in bags for bag in four]
        sums = np.zeros((len(flat), self.dim))
        filled = [place for place, bag in enumerate(flat) if bag]
        if filled:
            tokens = [token for bag in flat for token in bag]
            amounts = np.array([amount for bag in flat for amount in bag.values()], np.float32)
            starts = np.cumsum([0, *[len(flat[place]) for place in filled[:-1]]])
            with self._lock:
                signs = self._signs.of(tokens)
            sums[filled] = np.add.reduceat(signs * amounts[:, None], starts, axis=0)
        return sums.reshape(len(bags), len(SHARES), self.dim)


def from_config(config: EncodeConfig) -> HashingEncoder:
    """The encoder with these settings."""
    return HashingEncoder(config.dim, config.text_chars, config.remembered)


def _counted(tokens: list[str]) -> Bag:
    """A token that comes ten times says more than one that comes once, but not ten times as much."""
    bag = dict.fromkeys(tokens, _ONCE)
    if len(bag) < len(tokens):
        for token, count in Counter(tokens).items():
            bag[token] = round(_ONCE * (1 + math.log(count)))
    return bag


def _field_tokens(item: Item) -> list[str]:
    return [f"{MARK}f{key}={folded(value)}" for key, value in field_values(item)]


def _joined(sums: NDArray[np.float64]) -> Floats:
    """(n, 4, dim) -> (n, dim): each part to unit length, weighed by its share, their sum to unit length."""
    whole = np.zeros((len(sums), sums.shape[2]))
    for part, share in enumerate(SHARES):
        whole += share * _unit(sums[:, part])
    # Whole numbers again, so that the squares add up exactly: the last bit must not depend on a machine's SIMD.
    return _unit(np.rint(whole * _FINE)).astype(np.float32)


def _unit(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    unit: NDArray[np.float64] = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    return unit
