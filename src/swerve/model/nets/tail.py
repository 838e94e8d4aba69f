"""Any network as a `UserModel`: what is remembered are the newest events themselves, read anew for each question.

For the architectures that have no cheap step of their own (attention over the whole history). Needs PyTorch, so it is
for judging them by the door that the recurrent one serves by, and for small catalogs of questions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from swerve.model.checkpoint import Checkpoint
from swerve.model.config import LONGEST
from swerve.model.history import gap_buckets
from swerve.model.nets.batch import padded
from swerve.model.nets.network import Network, network_of
from swerve.types import Floats, History


class TailModel:
    """A `UserModel` over a PyTorch network; a state is a `History` of at most LONGEST events."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Raises ValueError when the arrays are not those of the shape's network."""
        self.version = checkpoint.version
        self._network: Network = network_of(checkpoint).eval()
        with torch.no_grad():
            self._table = self._network.items.table().detach()
        self.table: Floats = self._table.numpy()
        self.bias: Floats = self._network.items.bias.detach().numpy()

    def encode(self, histories: Sequence[History]) -> list[History]:
        """The newest events of each."""
        return [history.last(LONGEST) for history in histories]

    def step(self, state: History, item: int, action: int, time: float) -> History:
        """One event more, and the oldest one less when there are LONGEST."""
        kept = state.last(LONGEST - 1)
        return History(
            np.append(kept.items, np.int32(item)),
            np.append(kept.actions, np.int32(action)),
            np.append(kept.times, time),
        )

    def preference(self, state: History, query_time: float) -> Floats:
        """(dim,) float32; zeros before the first event."""
        if not len(state):
            return np.zeros(self.table.shape[1], np.float32)
        last = float(state.times[-1])
        wait = query_time - last if query_time > 0 and last > 0 else 0.0
        batch = padded([state])
        with torch.no_grad():
            asked = torch.full_like(batch.items, int(gap_buckets(wait)))
            preference: Floats = self._network(batch, asked, self._table)[-1, 0].float().numpy()
        return preference
