"""What carries information along time in the recurrent model: a gated diagonal recurrence, and attention close by."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from swerve.model.config import Shape
from swerve.model.nets.batch import Packed
from swerve.model.nets.scan import scan

EPSILON = 1e-6
"""Keeps the square root's slope finite where nothing is forgotten."""
MASKED = -1e9


class Recurrence(nn.Module):
    """Gated diagonal linear recurrence with time decay (after RG-LRU, De et al. 2024, arXiv 2402.19427, section 2.4).

    a = sigmoid(f(x)) * exp(-softplus(rate) * ln(1 + hours)),  h = a * h + sqrt(1 - a^2) * sigmoid(i(x)) * v(x),
    y = W (LN(h) * silu(o(x))). The state is `inner` numbers, whatever the history's length.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.into = nn.Linear(shape.dim, 4 * shape.inner)
        self.rate = nn.Parameter(torch.full((shape.inner,), -4.0))
        self.norm = nn.LayerNorm(shape.inner)
        self.out = nn.Linear(shape.inner, shape.dim)
        nn.init.zeros_(self.into.bias)
        with torch.no_grad():  # channels start with memories from a tenth of an event's worth to about twenty events
            self.into.bias[shape.inner : 2 * shape.inner] = torch.logit(torch.rand(shape.inner) * 0.85 + 0.1)

    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        """(T, B, dim) -> (T, B, dim)."""
        # Under autocast products are bf16, whose numbers near 1 are too far apart for what decays slowly.
        value, forget, admit, gate = self.into(x).to(batch.hours.dtype).chunk(4, -1)
        decay = torch.sigmoid(forget) * torch.exp(-functional.softplus(self.rate) * batch.hours[..., None])
        fresh = torch.sqrt(1 - decay * decay + EPSILON) * torch.sigmoid(admit) * value
        h = scan(decay * (~batch.start)[..., None], fresh)
        y: Tensor = self.out(self.norm(h) * functional.silu(gate))
        return y


class LocalAttention(nn.Module):
    """Softmax attention over the last `window` events of the same history, with one learned bias a distance and head.

    Works in chunks of one window: each attends to itself and the chunk before, so the cost is linear in T.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.window = shape.heads, shape.window
        self.qkv = nn.Linear(shape.dim, 3 * shape.dim)
        self.out = nn.Linear(shape.dim, shape.dim)
        self.distance = nn.Parameter(torch.zeros(shape.heads, shape.window))

    def forward(self, x: Tensor, batch: Packed) -> Tensor:
        """(T, B, dim) -> (T, B, dim); T is padded to whole windows inside."""
        length, window = len(x), self.window
        fill = -length % window
        x = functional.pad(x, (0, 0, 0, 0, 0, fill))
        segment = functional.pad(batch.segment, (0, 0, 0, fill), value=-1)
        chunks, rows, width = len(x) // window, x.shape[1], x.shape[2] // self.heads
        split = self.qkv(x).view(chunks, window, rows, 3, self.heads, width)
        query, key, value = split.permute(3, 2, 0, 4, 1, 5)  # each (rows, chunks, heads, window, width)
        own = segment.view(chunks, window, rows).permute(2, 0, 1)[:, :, None]  # (rows, chunks, 1, window)
        keys, values, owner = (_with_previous(part, 3) for part in (key, value, own + 1))
        distance = torch.arange(window, device=x.device)[:, None] + window - torch.arange(2 * window, device=x.device)
        near = (distance >= 0) & (distance < window)
        seen = near & (own[..., :, None] + 1 == owner[..., None, :])
        scores = query @ keys.transpose(-1, -2) * width**-0.5 + self.distance[:, distance.clamp(0, window - 1)]
        weights = torch.softmax(scores.masked_fill(~seen, MASKED), -1)
        mixed = (weights @ values).permute(1, 3, 0, 2, 4).reshape(length + fill, rows, -1)
        y: Tensor = self.out(mixed[:length])
        return y


def _with_previous(part: Tensor, dim: int) -> Tensor:
    """Each chunk (axis 1) preceded by the one before it, zeros before the first, joined along `dim`."""
    before = torch.cat([torch.zeros_like(part[:, :1]), part[:, :-1]], 1)
    return torch.cat([before, part], dim)
