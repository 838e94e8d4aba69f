"""How items and events become vectors: an id's own vector, what its content says, the action, the time since.

    e_i = gate_i * LN(ID_i) + P(LN(content_i)),   gate_i = n_i / (n_i + k)

P's last layer starts at zero: step 0 equals the model that knows ids only, so content can only be added where it helps.
ID dropout (Volkovs et al., DropoutNet, NeurIPS 2017) hides ids of a whole step's items, in the history and as targets
alike, so that items known by content alone live on the same scale.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from swerve.model.config import GAPS, Shape
from swerve.model.nets.batch import Packed

ADMIT = 5.0
"""k of the gate: an item seen this often is half its id, half its content."""


class Items(nn.Module):
    """The one table of items, used for the history and for the scores alike (tied)."""

    known: Tensor
    content: Tensor

    def __init__(self, shape: Shape, hide: float) -> None:
        super().__init__()
        rows = shape.items + 1
        self.hide = hide
        self.id = nn.Parameter(torch.randn(rows, shape.dim) * 0.02)
        self.bias = nn.Parameter(torch.zeros(rows))
        self.register_buffer("known", torch.ones(rows))
        self.has_content = shape.content > 0
        if self.has_content:
            self.register_buffer("content", torch.zeros(rows, shape.content))
            self.norm = nn.LayerNorm(shape.content)
            self.up = nn.Linear(shape.content, 2 * shape.dim)
            self.down = nn.Linear(2 * shape.dim, shape.dim)
            nn.init.zeros_(self.down.weight)
            nn.init.zeros_(self.down.bias)

    def inform(self, seen: Tensor, content: Tensor | None) -> None:
        """Tell how often each row was seen (rows,), and what its content vector is (rows, content)."""
        if self.has_content:
            if content is None:
                raise ValueError("this model reads content: expected content vectors")
            self.known.copy_(seen / (seen + ADMIT))
            self.content.copy_(content)

    def table(self) -> Tensor:
        """Embeddings of all rows, (items + 1, dim)."""
        if not self.has_content:
            return self.id
        own = self.id * self.known[:, None]
        if self.training and self.hide > 0:
            own = own * (torch.rand(len(own), 1, device=own.device) >= self.hide)
        said: Tensor = self.down(functional.silu(self.up(self.norm(self.content))))
        return own + said


class Events(nn.Module):
    """The vector of an event: its item, plus what was done and how long after the event before."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(shape.dim)
        self.action = nn.Parameter(torch.zeros(shape.actions + 1, shape.dim))
        self.gap = nn.Parameter(torch.zeros(GAPS, shape.dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, table: Tensor, batch: Packed) -> Tensor:
        """(T, B, dim)."""
        own = self.norm(functional.embedding(batch.items, table))
        out: Tensor = self.dropout(own + self.action[batch.actions] + self.gap[batch.gaps])
        return out
