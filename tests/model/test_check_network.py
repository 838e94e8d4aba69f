"""The shipped check passes what we ship and finds each way to break a backbone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from swerve.model.config import Shape
from swerve.model.nets.backbones import GRU4Rec, SASRec
from swerve.model.nets.batch import Packed
from swerve.model.nets.network import BACKBONES
from swerve.testing.network import check_network


@pytest.mark.parametrize("kind", BACKBONES)
def test_every_backbone_of_ours_passes(kind: Any) -> None:
    assert check_network(BACKBONES[kind]) == 8


class Broken(nn.Module):
    """A sound backbone with something done to it."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.inner = GRU4Rec(shape, dropout)

    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        return self.inner(x, batch)  # type: ignore[no-any-return]


class Cut(Broken):
    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        return super().forward(x, batch)[..., :-1]


class Clairvoyant(Broken):
    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        return super().forward(x + x.roll(-1, 0), batch)


class Forgetful(Broken):
    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        return super().forward(x, batch._replace(start=torch.ones_like(batch.start)))


class Nosy(Broken):
    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        start = torch.zeros_like(batch.start)
        start[0] = True
        return super().forward(x, batch._replace(start=start))


class Sociable(Broken):
    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        return super().forward(x, batch) + super().forward(x, batch).mean(1, keepdim=True)


class Moody(Broken):
    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        hidden = super().forward(x, batch)
        return hidden + torch.randn_like(hidden) * 1e-6


class Greedy(Broken):
    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        hidden = super().forward(x, batch)
        if not self.training:
            x.add_(1e-7)
        return hidden


class Idle(Broken):
    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__(shape, dropout)
        self.spare = nn.Linear(2, 2)


class Wet(Broken):
    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__(shape, 0.0)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (Cut, "of the shape of the events"),
        (Clairvoyant, "blindness to what comes later"),
        (Forgetful, "depends on earlier events"),
        (Nosy, "other histories of a packed row"),
        (Sociable, "any padding and company"),
        (Moody, "the same answer every time"),
        (Greedy, "input left alone"),
        (Idle, "each of its parameters"),
        (Wet, "dropout in training"),
    ],
)
def test_a_broken_one_is_found(broken: type[nn.Module], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_network(broken)


def test_attention_without_a_mask_is_found() -> None:
    class Unmasked(SASRec):
        def forward(self, x: Tensor, batch: Packed) -> Tensor:
            for layer in self.layers:
                x = layer(x, torch.ones(x.shape[1], 1, len(x), len(x), dtype=torch.bool))
            return x

    with pytest.raises(AssertionError, match="a backbone owes its trainer: blindness to what comes later"):
        check_network(Unmasked)
