"""Networks with weights that are no special case, and histories of every awkward length."""

from __future__ import annotations

import numpy as np
import torch

from swerve.learn.corpus import Corpus
from swerve.model.config import Kind, Shape
from swerve.model.history import History
from swerve.model.nets.network import Network

ITEMS, ACTIONS = 60, 3
LENGTHS = (1, 2, 7, 8, 9, 16, 17, 40)
"""Around the window of 8, which is what these networks attend to."""


def shape(kind: Kind = "recurrent", content: int = 0) -> Shape:
    return Shape(
        kind=kind, items=ITEMS, actions=ACTIONS, content=content, dim=16, blocks=2, heads=2, inner=24, window=8
    )


def network(kind: Kind = "recurrent", *, content: int = 0, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    made = Network(shape(kind, content))
    with torch.no_grad():
        for parameter in made.parameters():  # what starts at zero or one must count too
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return made.eval()


def histories(seed: int = 0, lengths: tuple[int, ...] = LENGTHS) -> list[History]:
    rng = np.random.default_rng(seed)
    return [
        History.of(
            rng.integers(0, ITEMS + 1, n).tolist(),
            rng.integers(0, ACTIONS + 1, n).tolist(),
            (1.6e9 + np.cumsum(rng.exponential(90_000, n))).tolist(),
        )
        for n in lengths
    ]


def corpus(given: list[History]) -> Corpus:
    return Corpus(tuple(given), tuple(f"i{n}" for n in range(ITEMS)), ("view", "buy", "share"))
