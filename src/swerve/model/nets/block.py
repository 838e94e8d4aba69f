"""The gated residual block: x + sigmoid(W1 x) * mix(LN x), then x + sigmoid(W2 x) * SwiGLU(LN x) (LiGR layer).

The gates read x as it is, not normalised; with them depth trains (Borisyuk et al. 2025, "LiGR", arXiv 2502.03417).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from swerve.model.config import Shape
from swerve.model.nets.batch import Packed
from swerve.model.nets.mixers import LocalAttention, Recurrence


class SwiGLU(nn.Module):
    """W2 (silu(W1 x) * W3 x), without biases (Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, dim: int, inner: int) -> None:
        super().__init__()
        self.up = nn.Linear(dim, 2 * inner, bias=False)
        self.down = nn.Linear(inner, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> (..., dim)."""
        gate, value = self.up(x).chunk(2, -1)
        y: Tensor = self.down(functional.silu(gate) * value)
        return y


class Gated(nn.Module):
    """x + sigmoid(W x) * dropout(y)."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.gate = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Both (..., dim)."""
        joined: Tensor = x + torch.sigmoid(self.gate(x)) * self.dropout(y)
        return joined


class Block(nn.Module):
    """Recurrence and local attention side by side, then the feed-forward, each behind its gate."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.before_mix = nn.LayerNorm(shape.dim)
        self.recurrence = Recurrence(shape)
        self.attention = LocalAttention(shape)
        self.after_mix = Gated(shape.dim, dropout)
        self.before_feed = nn.LayerNorm(shape.dim)
        self.feed = SwiGLU(shape.dim, shape.spread * shape.dim)
        self.after_feed = Gated(shape.dim, dropout)

    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        """(T, B, dim) -> (T, B, dim)."""
        normed = self.before_mix(x)
        x = self.after_mix(x, self.recurrence(normed, batch) + self.attention(normed, batch))
        y: Tensor = self.after_feed(x, self.feed(self.before_feed(x)))
        return y
