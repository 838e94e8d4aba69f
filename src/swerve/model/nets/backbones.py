"""The four ways from event vectors to hidden states, each causal and blind to other histories in the same row."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from swerve.model.config import GAPS, LONGEST, Shape
from swerve.model.nets.batch import Packed
from swerve.model.nets.block import Block


class Recurrent(nn.Module):
    """The default: gated blocks of recurrence and local attention."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(shape, dropout) for _ in range(shape.blocks))

    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        """(T, B, dim) -> (T, B, dim)."""
        for block in self.blocks:
            x = block(x, batch)
        return x


class SASRec(nn.Module):
    """Self-attention over the whole history (Kang & McAuley, ICDM 2018, section III), pre-norm, learned positions."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.position = nn.Parameter(torch.randn(2 * LONGEST, shape.dim) * 0.02)
        self.layers = nn.ModuleList(_Attend(shape, dropout) for _ in range(shape.blocks))

    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        """(T, B, dim) -> (T, B, dim)."""
        x = x + self.position[batch.positions().clamp(max=len(self.position) - 1)]
        seen = visible(batch)
        for layer in self.layers:
            x = layer(x, seen)
        return x


class _Attend(nn.Module):
    """One transformer layer of SASRec."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.before_mix, self.before_feed = nn.LayerNorm(shape.dim), nn.LayerNorm(shape.dim)
        self.qkv, self.out = nn.Linear(shape.dim, 3 * shape.dim), nn.Linear(shape.dim, shape.dim)
        self.up, self.down = nn.Linear(shape.dim, shape.dim), nn.Linear(shape.dim, shape.dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        query, key, value = (by_head(part, self.heads) for part in self.qkv(self.before_mix(x)).chunk(3, -1))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        x = x + self.dropout(self.out(by_time(mixed)))
        fed = self.down(self.dropout(functional.relu(self.up(self.before_feed(x)))))
        y: Tensor = x + self.dropout(fed)
        return y


class HSTU(nn.Module):
    """Pointwise attention with position and time bias (Zhai et al., ICML 2024, arXiv 2402.17152, section 3)."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Pointwise(shape, dropout) for _ in range(shape.blocks))

    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        """(T, B, dim) -> (T, B, dim)."""
        seen = visible(batch)
        place = torch.arange(len(x), device=x.device)
        distance = (place[:, None] - place).clamp(0, LONGEST - 1)
        times = batch.times.T
        apart = (times[:, :, None] - times[:, None, :]).abs().clamp(min=1).double()
        known = (times[:, :, None] > 0) & (times[:, None, :] > 0)
        bucket = torch.where(known, torch.log2(apart).floor().long() + 1, 0).clamp(max=GAPS - 1)
        for layer in self.layers:
            x = layer(x, seen, distance, bucket)
        return x


class _Pointwise(nn.Module):
    """U, V, Q, K = silu(W LN x); y = x + W (U * LN(silu(Q K' + bias) V / n))."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.before, self.after = nn.LayerNorm(shape.dim), nn.LayerNorm(shape.dim)
        self.into, self.out = nn.Linear(shape.dim, 4 * shape.dim, bias=False), nn.Linear(shape.dim, shape.dim)
        self.by_distance = nn.Parameter(torch.zeros(LONGEST))
        self.by_time = nn.Parameter(torch.zeros(GAPS))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor, distance: Tensor, bucket: Tensor) -> Tensor:
        gate, *rest = functional.silu(self.into(self.before(x))).chunk(4, -1)
        value, query, key = (by_head(part, self.heads) for part in rest)
        bias = self.by_distance[distance] + self.by_time[bucket][:, None]
        weights = functional.silu(query @ key.transpose(-1, -2) + bias) * seen / LONGEST
        mixed = by_time(weights @ value)
        y: Tensor = x + self.out(self.dropout(gate * self.after(mixed)))
        return y


class GRU4Rec(nn.Module):
    """Gated recurrent units (Hidasi et al., ICLR 2016), here with the training of the others."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.cells = nn.ModuleList(nn.GRUCell(shape.dim, shape.dim) for _ in range(shape.blocks))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        """(T, B, dim) -> (T, B, dim)."""
        keep = (~batch.start)[..., None].to(x.dtype)
        for cell in self.cells:
            state, states = torch.zeros_like(x[0]), []
            for t in range(len(x)):
                state = cell(x[t], state * keep[t])
                states.append(state)
            x = self.dropout(torch.stack(states))
        return x


def visible(batch: Packed) -> Tensor:
    """(B, 1, T, T) bool: which earlier event of the same history an event may look at; always itself."""
    segment = batch.segment.T
    place = torch.arange(segment.shape[1], device=segment.device)
    return ((segment[:, :, None] == segment[:, None, :]) & (place[:, None] >= place))[:, None]


def by_head(x: Tensor, heads: int) -> Tensor:
    """(T, B, dim) -> (B, heads, T, dim / heads)."""
    length, rows, dim = x.shape
    return x.view(length, rows, heads, dim // heads).permute(1, 2, 0, 3)


def by_time(x: Tensor) -> Tensor:
    """(B, heads, T, width) -> (T, B, heads * width)."""
    rows, heads, length, width = x.shape
    return x.permute(2, 0, 1, 3).reshape(length, rows, heads * width)
