"""The shipped check finds what it is there to find."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from swerve.encode.hashing import HashingEncoder
from swerve.testing.encoder import check_encoder
from swerve.types import Floats, Item


class Broken:
    """The hashing encoder with one thing wrong."""

    made = 0

    def __init__(self, wrong: str) -> None:
        Broken.made += 1
        self.wrong = wrong
        self.inner = HashingEncoder(32)
        self.dim = 32
        self.name = {"path": "a/b", "unnamed": "", "renamed": f"v{Broken.made}"}.get(wrong, "broken-v1")
        self.calls = 0
        self.buffer = np.zeros((1000, 32), np.float32)

    def encode(self, items: Sequence[Item]) -> Floats:
        self.calls += 1
        vectors = self.inner.encode(items)
        match self.wrong:
            case "wide":
                return vectors.astype(np.float64)  # type: ignore[return-value]
            case "empty" if not items:
                return np.zeros(0, np.float32)
            case "long":
                return vectors * 2
            case "nan" if items:
                vectors[-1] = np.nan
            case "drifts":
                return np.roll(vectors, self.calls, axis=1)
            case "centers" if items:  # depends on the batch
                centered = vectors - vectors.mean(axis=0) * 0.01
                return centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-9).astype(np.float32)
            case "sorts":
                return vectors[np.lexsort(vectors.T)]
            case "reuses" if len(items) <= 1000:
                self.buffer[: len(items)] = vectors
                return self.buffer[: len(items)]
            case "reads ids":
                named = [Item(id="x", title=item.title + " " + item.id) for item in items]
                return self.inner.encode(named)
            case "keeps quiet":
                return np.zeros_like(vectors)
        return vectors


WRONG = ["path", "unnamed", "renamed", "wide", "empty", "long", "nan", "drifts", "centers", "sorts", "reuses"]


@pytest.mark.parametrize("wrong", [*WRONG, "reads ids", "keeps quiet"])
def test_a_broken_encoder_is_found(wrong: str) -> None:
    with pytest.raises(AssertionError, match="an Encoder owes its callers"):
        check_encoder(lambda: Broken(wrong))


def test_nothing_wrong_passes() -> None:
    assert check_encoder(lambda: Broken("nothing")) == 9


def test_a_tolerance_allows_for_rounding() -> None:
    class Rounding(Broken):
        def encode(self, items: Sequence[Item]) -> Floats:
            return self.inner.encode(items) * np.float32(1 + 1e-6 * (len(items) > 1))

    assert check_encoder(lambda: Rounding(""), tolerance=1e-5) == 9
    with pytest.raises(AssertionError, match="alone and in a batch"):
        check_encoder(lambda: Rounding(""))
