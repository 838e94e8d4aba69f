"""New items get rows of their own in a trained network, so that training goes on with it (a warm start)."""

from __future__ import annotations

import msgspec
import numpy as np
import torch
from torch import Tensor

from swerve.learn.corpus import Corpus
from swerve.model.nets.network import Network

NEAR = 3
"""Events before and after a new item whose items it begins from."""
BY_ITEM = ("items.id", "items.bias", "items.known", "items.content")
"""Arrays with one row an item."""


def grown(network: Network, corpus: Corpus, *, dropout: float = 0.0, hide: float = 0.0) -> Network:
    """A network with rows for all items of `corpus`, whose first items are those that `network` knows, in its order.

    What was there is copied, so every score of a known item stays as it was. The id and the bias of a new item begin as
    the mean of those of the known items within NEAR events of it, or of all known items where it has no such company.
    Content, if it is read, is to be told again (`items.inform`). Raises ValueError for fewer items or other actions.
    """
    shape = network.shape
    if len(corpus.items) < shape.items or len(corpus.actions) != shape.actions:
        raise ValueError(f"expected at least {shape.items} items and exactly {shape.actions} actions")
    larger = Network(msgspec.structs.replace(shape, items=len(corpus.items)), dropout=dropout, hide=hide)
    kept, state = network.state_dict(), larger.state_dict()
    rows = shape.items + 1
    for name, value in kept.items():
        state[name][: rows if name in BY_ITEM else None] = value
    pairs = company(corpus, shape.items)
    for name in ("items.id", "items.bias"):
        state[name][rows:] = _means(kept[name], pairs, len(corpus.items) - shape.items)
    return larger  # state_dict shares its memory with the network


def company(corpus: Corpus, known: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Pairs (2, m) of a new item (row above `known`) and a known one within NEAR events of it, one a meeting."""
    pairs = [np.empty((2, 0), np.int64)]
    for history in corpus.histories:
        items = history.items.astype(np.int64)
        for place in np.flatnonzero(items > known).tolist():
            beside = items[max(place - NEAR, 0) : place + NEAR + 1]
            beside = beside[(beside > 0) & (beside <= known)]
            pairs.append(np.stack([np.full_like(beside, items[place]), beside]))
    return np.concatenate(pairs, axis=1)


def _means(values: Tensor, pairs: np.ndarray[tuple[int, int], np.dtype[np.int64]], new: int) -> Tensor:
    """For each of `new` items the mean of its company's values, (new, ...); all known items' mean for one without."""
    at, beside = torch.from_numpy(pairs[0] - len(values)), torch.from_numpy(pairs[1])
    sums = values.new_zeros((new, *values.shape[1:])).index_add_(0, at, values[beside])
    counts = torch.bincount(at, minlength=new).view(-1, *[1] * (values.ndim - 1))
    return torch.where(counts > 0, sums / counts.clamp(min=1), values[1:].mean(0))
