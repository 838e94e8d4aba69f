"""The whole user model: events in, preferences and item embeddings out."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from swerve.model.checkpoint import Checkpoint
from swerve.model.config import GAPS, Kind, Shape
from swerve.model.nets.backbones import HSTU, GRU4Rec, Recurrent, SASRec
from swerve.model.nets.batch import Packed
from swerve.model.nets.embed import Events, Items

BACKBONES: dict[Kind, type[nn.Module]] = {
    "recurrent": Recurrent,
    "sasrec": SASRec,
    "gru4rec": GRU4Rec,
    "hstu": HSTU,
}


class Readout(nn.Module):
    """Hidden state and time until the query -> preference. The time's share starts at zero."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.wait = nn.Parameter(torch.zeros(GAPS, dim))
        self.norm = nn.LayerNorm(dim)

    def forward(self, hidden: Tensor, wait: Tensor) -> Tensor:
        """(..., dim) and buckets (...) int64 -> (..., dim)."""
        preference: Tensor = self.norm(hidden + self.wait[wait])
        return preference


class Network(nn.Module):
    """One user model. The score of an item is preference . embedding + bias."""

    def __init__(self, shape: Shape, *, dropout: float = 0.0, hide: float = 0.0) -> None:
        """`dropout` of features; `hide`: share of ids hidden in a step (only where there is content)."""
        super().__init__()
        self.shape = shape
        self.items = Items(shape, hide)
        self.events = Events(shape, dropout)
        self.backbone = BACKBONES[shape.kind](shape, dropout)
        self.readout = Readout(shape.dim)

    def forward(self, batch: Packed, wait: Tensor, table: Tensor) -> Tensor:
        """Preference after each event, (T, B, dim).

        `wait` (T, B) int64: bucket of the time from each event to the moment the preference is asked for. `table`: what
        `items.table()` gave, so that one step uses one table for the history and for the scores.
        """
        preference: Tensor = self.readout(self.backbone(self.events(table, batch), batch), wait)
        return preference


def network_of(checkpoint: Checkpoint, *, dropout: float = 0.0, hide: float = 0.0) -> Network:
    """The network of a checkpoint, to train it further. Raises ValueError for other arrays."""
    network = Network(checkpoint.words.shape, dropout=dropout, hide=hide)
    wanted = network.state_dict()
    if wanted.keys() != checkpoint.arrays.keys():
        raise ValueError(f"expected other arrays: {sorted(wanted.keys() ^ checkpoint.arrays.keys())[:5]}")
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in checkpoint.arrays.items()})
    return network
