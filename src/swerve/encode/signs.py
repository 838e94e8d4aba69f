"""Tokens -> vectors of whole numbers, from nothing but their spelling.

A token's hash bits are its signs: +1 or -1 in each dimension. A sum of such vectors is a random projection of the bag
of tokens, so inner products of sums estimate how many tokens two bags share, with an error of about 1 / sqrt(dim).
All entries are small integers: sums of them are exact in float32, in any order, on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from swerve.encode.words import is_unspaced
from swerve.types import Floats

UNIT = 32
"""What a token counts that says all it can say."""
MARK = "\x01"
"""First character of tokens that are no words (words cannot hold it)."""
LENGTHS = (0.0, 0.1, 0.15, 0.25, 0.45, 0.65, 0.8, 0.9)
"""How much a word of so many letters says; longer ones 1. Short words are the common ones, in every language."""
SINGLE = 0.4
"""How much a single character of an unspaced script says; its pairs say 1."""
GRAMS = 0.8
"""How much the three-letter parts of a word say, together, beside the word itself: typos and endings."""
_LONGEST = 64
_GOLDEN = 0x9E3779B97F4A7C15


class Signs:
    """Vectors of tokens, remembered while they fit. Not for several threads at once."""

    def __init__(self, dim: int, remembered: int) -> None:
        self._dim = dim
        self._table: Floats = np.empty((remembered, dim), np.float32)
        self._places: dict[str, int] = {}

    def of(self, tokens: Sequence[str]) -> Floats:
        """(n, dim) float32 of whole numbers, a row for each token."""
        places = self._places
        missing = dict.fromkeys([token for token in tokens if token not in places])
        if len(places) + len(missing) > len(self._table):
            places.clear()  # all at once: what is common comes back with the next items
            missing = dict.fromkeys(tokens)
        if len(missing) > len(self._table):
            order = {token: place for place, token in enumerate(missing)}
            return self._made(list(missing))[[order[token] for token in tokens]]
        if missing:
            first = len(places)
            self._table[first : first + len(missing)] = self._made(list(missing))
            places.update(zip(missing, range(first, first + len(missing)), strict=True))
        return self._table[[places[token] for token in tokens]]

    def _made(self, tokens: Sequence[str]) -> Floats:
        """A token's own signs and, for words of three letters and more, those of its parts."""
        whole = [_whole(token) for token in tokens]
        made = _hashed(tokens, self._dim) * np.array(whole, np.float32)[:, None]
        spelled = [place for place, token in enumerate(tokens) if _has_parts(token)]
        if spelled:
            counts = np.array([min(len(tokens[place]), _LONGEST) for place in spelled])
            each = np.rint(np.array([whole[place] for place in spelled]) * GRAMS / np.sqrt(counts))
            parts = _grams([tokens[place][:_LONGEST] for place in spelled], counts, self._dim)
            made[spelled] += parts * np.maximum(each, 1).astype(np.float32)[:, None]
        return made


def _whole(token: str) -> int:
    """How much a token counts beside its parts."""
    if token[0] == MARK:
        return UNIT
    if is_unspaced(token):
        return round(UNIT * SINGLE) if len(token) == 1 else UNIT
    return round(UNIT * LENGTHS[len(token)]) if len(token) < len(LENGTHS) else UNIT


def _has_parts(token: str) -> bool:
    return len(token) >= 3 and token[0] != MARK


def _hashed(tokens: Sequence[str], dim: int) -> Floats:
    """(n, dim) signs from hashes of whole tokens; never the built-in hash, which differs between processes."""
    size = min(-(-dim // 8), 64)
    keys = [token.encode("utf-8", "surrogatepass") for token in tokens]
    blocks = [
        b"".join([blake2b(key, digest_size=size, salt=block.to_bytes(2, "little")).digest() for key in keys])
        for block in range(-(-dim // 512))
    ]
    return _signs(
        np.concatenate([np.frombuffer(one, np.uint8).reshape(len(keys), size) for one in blocks], axis=1), dim
    )


def _grams(words: Sequence[str], counts: NDArray[np.int64], dim: int) -> Floats:
    """(n, dim) for each word the sum of the signs of its parts of three letters, edges marked: `counts` of them."""
    points = np.frombuffer("".join([f"<{word}>" for word in words]).encode("utf-32-le", "surrogatepass"), "<u4")
    starts = np.cumsum(counts) - counts
    first = np.repeat(2 * np.arange(len(counts)), counts) + np.arange(int(counts.sum()))
    # A code point has 21 bits: three of them are one number, so no two different parts collide before the hash.
    packed = points.astype(np.uint64)
    packed = packed[first] | packed[first + 1] << np.uint64(21) | packed[first + 2] << np.uint64(42)
    blocks = [_mixed(packed + np.uint64((block + 1) * _GOLDEN % 2**64)) for block in range(-(-dim // 64))]
    hashes = np.stack(blocks, axis=1).astype("<u8").view(np.uint8)
    sums: Floats = np.add.reduceat(_signs(hashes, dim), starts, axis=0)
    return sums


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finish of splitmix64: every bit of the input turns about half of the output's."""
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)


def _signs(hashes: NDArray[np.uint8], dim: int) -> Floats:
    """Bits of (n, bytes) as (n, dim) of +1 and -1."""
    signs: Floats = np.unpackbits(hashes, axis=1, count=dim).astype(np.float32)
    signs *= -2.0
    signs += 1.0
    return signs
