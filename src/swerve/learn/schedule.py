"""How fast is learned, and what is decayed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from swerve.learn.config import LearnConfig
from swerve.model.nets.network import Network

CLIP = 1.0
"""Longest gradient, as a norm."""
WARM_UP = 200
"""Steps in which the learning rate rises from nothing, or a tenth of all steps where that is fewer."""
FLOOR = 0.02
"""Share of the learning rate that is left at the end."""


def rate(step: int, total: int) -> float:
    """Share of the learning rate at a step: a warm-up, then half a cosine down to FLOOR."""
    warm = min(1.0, (step + 1) / max(1, min(WARM_UP, total // 10)))
    return warm * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(step / max(total, 1), 1.0))))


def optimizer(network: Network, config: LearnConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter, ICLR 2019). Matrices are decayed; tables of embeddings, norms and biases are not."""
    matrices: list[Tensor] = []
    rest: list[Tensor] = []
    for name, parameter in network.named_parameters():
        decayed = name.endswith(".weight") and parameter.ndim == 2
        (matrices if decayed else rest).append(parameter)
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
